package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// imageOf returns what an image of a Dockerfile runs: entry point, command, and the signal that stops it.
func imageOf(t *testing.T, file string) (entry, command []string, stop string) {
	t.Helper()
	known := []string{"FROM", "RUN", "WORKDIR", "STOPSIGNAL", "ENTRYPOINT", "CMD", "COPY", "ARG"}
	file = strings.ReplaceAll(file, "\\\n", "")
	for line := range strings.Lines(file) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		var err error
		switch word {
		case "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &entry)
		case "CMD":
			err = json.Unmarshal([]byte(rest), &command)
		case "STOPSIGNAL":
			stop = rest
		default:
			if word != "" && !strings.HasPrefix(word, "#") && !strings.Contains(" "+strings.Join(known, " ")+" ", " "+word+" ") {
				err = fmt.Errorf("unknown instruction")
			}
		}
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	return entry, command, stop
}

// at puts the session's address in place of a recipe's, in a command line.
func at(words []string) (all []string) {
	for _, word := range words {
		if strings.HasSuffix(word, ":8080") {
			word = "{addr}"
		}
		all = append(all, word)
	}
	return all
}

// TestImage: the image of releases runs hotreload with the arguments of docker run, and docker stop ends hotreload
// gracefully. The image has the same Go as the recipe.
func TestImage(t *testing.T) {
	text, err := os.ReadFile("Dockerfile")
	ensure(t, err)
	entry, command, stop := imageOf(t, string(text))
	if !slices.Equal(entry, []string{"hotreload"}) || len(command) > 0 || stop != "SIGTERM" {
		t.Errorf("the image runs %q %q, and is stopped by %q", entry, command, stop)
	}
	if want := "\nCOPY $TARGETPLATFORM/hotreload /usr/local/bin/hotreload\n"; !strings.Contains(string(text), want) {
		t.Errorf("goreleaser puts the binary below the platform's name; the Dockerfile has no%s", want)
	}
	base := regexp.MustCompile(`FROM (golang:\S+)`)
	have, want := base.FindString(string(text)), base.FindString(recipeOf(t, "containers.md", "Dockerfile.dev"))
	if have != want || have == "" {
		t.Errorf("the image is made %s, that of the recipe %s", have, want)
	}
}

// within returns a command that runs another one in the session's container, as docker exec and Kubernetes do.
func (s *session) within(command ...string) []string {
	s.t.Helper()
	path, err := exec.LookPath("nsenter")
	if err != nil {
		s.t.Skip("a command in a container needs nsenter: ", err)
	}
	return append([]string{path, "--target", fmt.Sprint(s.cmd.Process.Pid), "--pid", "--mount", "--",
		"sh", "-c", `cd "$0" && exec "$@"`, s.dir}, command...)
}

// TestComposeRecipe: the image's command is the first process of a container. The health check's exit code tells when
// the server serves, and the image's stop signal ends hotreload with exit code 0.
func TestComposeRecipe(t *testing.T) {
	t.Parallel()
	entry, command, stop := imageOf(t, recipeOf(t, "containers.md", "Dockerfile.dev"))
	if stop != "SIGTERM" {
		t.Errorf("the image's stop signal is %s", stop)
	}
	health := regexp.MustCompile(`test: \["CMD", (.*)\]`).FindStringSubmatch(recipeOf(t, "containers.md", "compose.yaml"))
	var check []string
	ensure(t, json.Unmarshal([]byte("["+health[1]+"]"), &check))

	dir := newRecipe(t, map[string]string{"hotreload.toml": recipeOf(t, "containers.md", "hotreload.toml")})
	u := container(t)
	u.as, u.env = entry, recipeEnv(t, dir)
	s := u.start(t, dir, at(command)...)
	s.waitFor(`generation 1 serves`)
	s.becomesReady(u.env, s.within(check...)...)
	s.save("cmd/server/version.go", version("v2", ""))
	s.serves("v2")
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
}

// pod is what the test takes from deployment.yaml. Every key of the file has a field.
type pod struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Replicas int
		Strategy struct{ Type string }
		Selector struct {
			Labels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				Grace      int `yaml:"terminationGracePeriodSeconds"`
				Containers []struct {
					Name, Image string
					Args        []string
					Ports       []struct {
						Port int `yaml:"containerPort"`
					}
					Ready struct {
						Exec    struct{ Command []string }
						Period  int `yaml:"periodSeconds"`
						Timeout int `yaml:"timeoutSeconds"`
					} `yaml:"readinessProbe"`
					Resources map[string]map[string]string
					Mounts    []struct {
						Name string
						Path string `yaml:"mountPath"`
					} `yaml:"volumeMounts"`
				}
				Volumes []struct {
					Name  string
					Empty struct{} `yaml:"emptyDir"`
				}
			}
		}
	}
}

// TestKubernetesRecipe: with the pod's arguments, hotreload is the first process of a container. The probe tells no
// before the first generation serves, yes then, and yes while the code does not compile. Files come in an archive, as
// Tilt and Skaffold send them. SIGTERM ends hotreload with exit code 0, in less than the pod's time.
func TestKubernetesRecipe(t *testing.T) {
	t.Parallel()
	var file pod
	readYAML(t, "kubernetes.md", "deployment.yaml", &file)
	recipe := file.Spec.Template.Spec
	entry, _, _ := imageOf(t, recipeOf(t, "containers.md", "Dockerfile.dev"))
	probe := recipe.Containers[0].Ready.Exec.Command

	dir := newRecipe(t, map[string]string{"cmd/server/version.go": version("v1", "undefined()")})
	u := container(t)
	u.as, u.env = entry, recipeEnv(t, dir)
	s := u.start(t, dir, at(recipe.Containers[0].Args)...)
	s.waitFor(`undefined: undefined`)
	if code := s.probes(u.env, s.within(probe...)...); code != 1 { // hotreload waits for the next save
		t.Errorf("before the first generation, the probe's exit code is %d, want 1", code)
	}
	s.unpack(map[string]string{"cmd/server/version.go": version("v2", "")})
	s.waitFor(`generation \d+ serves`)
	s.becomesReady(u.env, s.within(probe...)...)
	s.unpack(map[string]string{
		"cmd/server/version.go": version("v3", "undefined()"), "cmd/server/more.go": "package main\n",
	})
	s.waitFor(`undefined: undefined`)
	s.becomesReady(u.env, s.within(probe...)...) // old code serves
	s.unpack(map[string]string{"cmd/server/version.go": version("v4", "")})
	s.serves("v4")
	began := time.Now()
	s.signal(syscall.SIGTERM)
	if code := s.exit(); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if took := time.Since(began); took > time.Duration(recipe.Grace)*time.Second {
		t.Errorf("hotreload took %v, and the pod gives it %d s", took, recipe.Grace)
	}
}

// unpack sends files as tools for clusters do: tar in the container unpacks an archive over the old files.
func (s *session) unpack(files map[string]string) {
	s.t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for name, content := range files {
		ensure(s.t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Now()}))
		_, err := w.Write([]byte(content))
		ensure(s.t, err)
	}
	ensure(s.t, w.Close())
	words := s.within("tar", "-xf", "-", "-C", s.dir)
	unpack := exec.Command(words[0], words[1:]...)
	unpack.Stdin = &archive
	if out, err := unpack.CombinedOutput(); err != nil {
		s.t.Fatalf("tar: %v\n%s", err, out)
	}
}
