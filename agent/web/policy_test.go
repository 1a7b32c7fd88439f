package web

import (
	"net/http"
	"reflect"
	"testing"
)

func TestPolicies(t *testing.T) {
	const url = "http://x.localhost:80/.hotreload/k/client.js"
	type all = []string
	for _, c := range []struct {
		name           string
		policies       all // of the header; those of Report-Only are after ""
		want, wantOnly all // nil = as they are
		nonce          string
		no             bool // no tag
	}{
		{name: "none"},
		{name: "nothing of scripts", policies: all{"img-src 'none'; frame-ancestors 'none'"}},
		{name: "own origin", policies: all{"default-src 'self'"}},
		{name: "own origin for scripts alone", policies: all{"default-src 'none'; script-src 'SELF'"},
			want: all{"default-src 'none'; script-src 'SELF'; connect-src 'self'"}},
		{name: "everything", policies: all{"default-src * 'unsafe-inline'"}},
		{name: "the host by its name", policies: all{"script-src http://x.localhost:80; connect-src x.localhost:80"}},
		{name: "https alone", policies: all{"script-src https:"}, want: all{"script-src https: 'nonce-NEW'"}, nonce: "NEW"},
		{name: "a nonce", policies: all{"script-src 'nonce-abc'"}, nonce: "abc"},
		{name: "a nonce, from everywhere", nonce: "abc",
			policies: all{"script-src 'strict-dynamic' 'nonce-abc' 'unsafe-inline' https:; object-src 'none'"}},
		{name: "a nonce in default-src", policies: all{"default-src 'nonce-abc'"},
			want: all{"default-src 'nonce-abc'; connect-src 'self'"}, nonce: "abc"},
		{name: "a nonce for elements", policies: all{"script-src 'none'; script-src-elem 'nonce-abc'"}, nonce: "abc"},
		{name: "a nonce that would end the tag", policies: all{`script-src 'nonce-a">b'`},
			want: all{`script-src 'nonce-a">b' 'nonce-NEW'`}, nonce: "NEW"},
		{name: "strict-dynamic with a hash", policies: all{"script-src 'strict-dynamic' 'sha256-aa=' 'self'"},
			want: all{"script-src 'strict-dynamic' 'sha256-aa=' 'self' 'nonce-NEW'"}, nonce: "NEW"},
		{name: "hashes alone", policies: all{"script-src 'sha256-aa='; connect-src 'none'"},
			want: all{"script-src 'sha256-aa=' 'nonce-NEW'; connect-src 'self'"}, nonce: "NEW"},
		{name: "nothing at all", policies: all{"default-src 'none'"},
			want: all{"default-src 'nonce-NEW'; connect-src 'self'"}, nonce: "NEW"},
		{name: "no script", policies: all{"script-src"}, want: all{"script-src 'nonce-NEW'"}, nonce: "NEW"},
		{name: "scripts in the page, which a nonce would end", policies: all{"script-src 'unsafe-inline' https://cdn"},
			want: all{"script-src 'unsafe-inline' https://cdn " + url}},
		{name: "connections elsewhere", policies: all{"connect-src https://a"}, want: all{"connect-src https://a 'self'"}},
		{name: "connections, by default", policies: all{"script-src 'self'; default-src https://cdn 'unsafe-inline'"},
			want: all{"script-src 'self'; default-src https://cdn 'unsafe-inline'; connect-src https://cdn 'self'"}},
		{name: "two headers", policies: all{"script-src 'self'", "script-src 'none'"},
			want: all{"script-src 'self'", "script-src 'nonce-NEW'"}, nonce: "NEW"},
		{name: "two in one header", policies: all{"script-src 'nonce-a', script-src 'nonce-b'; img-src *"},
			want: all{"script-src 'nonce-a'", "script-src 'nonce-b' 'nonce-a'; img-src *"}, nonce: "a"},
		{name: "one that only reports", policies: all{"", "script-src 'none'; report-uri /r"},
			wantOnly: all{"script-src 'nonce-NEW'; report-uri /r"}, nonce: "NEW"},
		{name: "one that only reports, with a nonce", nonce: "r",
			policies: all{"script-src 'self'", "", "script-src 'nonce-r'"}},
		{name: "the first of two counts", policies: all{"script-src 'self'; script-src 'none'"}},
		{name: "sandbox", policies: all{"sandbox"}, no: true},
		{name: "sandbox with scripts of no origin", policies: all{"sandbox allow-scripts"}, no: true},
		{name: "sandbox with all that is needed", policies: all{"sandbox allow-scripts allow-same-origin"}},
		{name: "sandbox that only reports", policies: all{"", "sandbox"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, key := http.Header{}, enforced
			for _, one := range c.policies {
				if one == "" {
					key = reportOnly
				} else {
					h[key] = append(h[key], one)
				}
			}
			a := asker{host: "x.localhost:80", script: "/.hotreload/k/client.js", random: func() string { return "NEW" }}
			have, nonce, ok := a.allowTag(h)
			if ok == c.no {
				t.Fatalf("have %v", ok)
			}
			if nonce != c.nonce || !reflect.DeepEqual(have[enforced], []string(c.want)) ||
				!reflect.DeepEqual(have[reportOnly], []string(c.wantOnly)) {
				t.Errorf("have %q, nonce %q\nwant %q, %q, nonce %q", have, nonce, c.want, c.wantOnly, c.nonce)
			}
			// The resulting policies allow the tag without another change.
			for key, values := range have {
				h[key] = values
			}
			if again, _, _ := a.allowTag(h); len(again) > 0 {
				t.Errorf("the second time it becomes %q", again)
			}
		})
	}
	a := asker{host: "192.168.1.7:80", script: "/s"}
	have, _, _ := a.allowTag(http.Header{enforced: {"script-src 'unsafe-inline'"}})
	if want := "script-src 'unsafe-inline' 'self'"; len(have[enforced]) != 1 || have[enforced][0] != want {
		t.Errorf("by an address: have %q, want %q", have, want)
	}
}

// The hash of the script is there where a policy asks for it, and nowhere else.
func TestTagFor(t *testing.T) {
	const begin, hash, end = `<script src="/s"`, ` integrity="sha256-x="`, ` data-generation="1" async></script>`
	for _, c := range []struct{ tag, policy, want string }{
		{begin + hash + end, "", begin + end},
		{begin + hash + end, "Integrity-Policy", begin + " crossorigin" + hash + end},
		{begin + hash + end, "Integrity-Policy-Report-Only", begin + " crossorigin" + hash + end},
		{begin + end, "", begin + end},
		{begin + end, "Integrity-Policy", begin + end},
	} {
		h := http.Header{}
		if c.policy != "" {
			h.Set(c.policy, "blocked-destinations=(script)")
		}
		if have := (&Browser{Tag: c.tag}).tagFor(h); have != c.want {
			t.Errorf("%s: have %s, want %s", c.policy, have, c.want)
		}
	}
}
