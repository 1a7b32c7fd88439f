// Browser is a Chromium that is driven by lines on stdin:
//
//	open URL         opens the page in the present tab
//	refresh          loads the page again, like F5
//	tab              opens another tab, which becomes the present one, and prints "value" and its number
//	window           opens another window with a tab, which becomes the present one, and prints "value" and its number
//	look N           makes the tab with this number the present one, and leaves all windows as they are
//	close            closes the present tab; the first one becomes the present one, without being shown
//	use N            makes the tab with this number the present one, and shows it
//	eval JS          prints "value" and the value of the expression as JSON; a promise is awaited
//	await JS         the same, once the value is true; evaluates the expression again and again, also in a new page
//	dark, light      sets the preferred colour scheme
//	size W H         sets the size of the page
//	overlay          prints "value" and the text of hotreload's overlay in the page, as JSON
//	key NAME         presses a key
//	click X Y        clicks at a point of the page
//	shot FILE        takes a picture of the page
//	end              ends
//
// Each time the first tab has loaded a page, also by itself, the program prints "page" and the page's text. After an
// error it prints "failed" and the reason.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func main() {
	if err := run(); err != nil {
		fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

// options isolate the browser: it connects only to our server, and leaves no files behind.
func options(dir string) []chromedp.ExecAllocatorOption {
	all := []chromedp.ExecAllocatorOption{
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(dir), chromedp.IgnoreCertErrors, chromedp.WSURLReadTimeout(time.Minute),
	}
	for _, flag := range []string{
		"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-default-apps",
		"disable-extensions", "disable-dev-shm-usage", "disable-domain-reliability", "metrics-recording-only", "no-pings",
	} {
		all = append(all, chromedp.Flag(flag, true))
	}
	return all
}

func run() error {
	dir, err := os.MkdirTemp("", "browser-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options(dir)...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Run(ctx); err != nil {
		return err
	}
	defer func() { _ = chromedp.Cancel(ctx) }() // waits for the browser's end
	d := &driver{tabs: []context.Context{ctx}, shown: make(chan struct{}, 100)}
	chromedp.ListenTarget(ctx, func(event any) {
		if _, ok := event.(*page.EventLoadEventFired); ok {
			d.shown <- struct{}{}
		}
	})
	lines := make(chan string)
	go func() { // ends with stdin, or with the program
		defer close(lines)
		in := bufio.NewScanner(os.Stdin)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			lines <- in.Text()
		}
	}()
	for {
		select {
		case <-d.shown:
			var text string
			err := chromedp.Run(d.tabs[0], chromedp.Evaluate(`document.body.innerText`, &text))
			if err == nil { // else the page is being replaced by the next one, which will be loaded, too
				fmt.Printf("page %q\n", text)
			}
		case line, open := <-lines:
			if !open || line == "end" {
				return nil
			}
			if err := d.do(line); err != nil {
				return err
			}
		}
	}
}

// driver carries out the lines.
type driver struct {
	tabs    []context.Context
	present int
	shown   chan struct{}
}

func (d *driver) do(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	ctx := d.tabs[d.present]
	switch word {
	case "open":
		return chromedp.Run(ctx, chromedp.Navigate(rest))
	case "refresh":
		return chromedp.Run(ctx, chromedp.Reload())
	case "tab":
		tab, _ := chromedp.NewContext(d.tabs[0])
		d.tabs = append(d.tabs, tab)
		d.present = len(d.tabs) - 1
		fmt.Println("value", d.present)
		return chromedp.Run(tab)
	case "window":
		var id target.ID
		err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			c := chromedp.FromContext(ctx)
			id, err = target.CreateTarget("about:blank").WithNewWindow(true).Do(cdp.WithExecutor(ctx, c.Browser))
			return err
		}))
		if err != nil {
			return err
		}
		tab, _ := chromedp.NewContext(d.tabs[0], chromedp.WithTargetID(id))
		d.tabs = append(d.tabs, tab)
		d.present = len(d.tabs) - 1
		fmt.Println("value", d.present)
		return chromedp.Run(tab)
	case "close":
		d.present = 0
		return chromedp.Run(ctx, page.Close())
	case "look":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n >= len(d.tabs) {
			return fmt.Errorf("no such tab: %s", rest)
		}
		d.present = n
		return nil
	case "use":
		n, err := strconv.Atoi(rest)
		if err != nil || n < 0 || n >= len(d.tabs) {
			return fmt.Errorf("no such tab: %s", rest)
		}
		d.present = n
		return chromedp.Run(d.tabs[n], page.BringToFront())
	case "eval":
		return d.evaluate(ctx, rest)
	case "await":
		return d.await(ctx, rest)
	case "overlay":
		return overlay(ctx)
	case "key":
		key := rest
		if named, is := map[string]string{"Escape": kb.Escape, "Enter": kb.Enter, "Tab": kb.Tab}[rest]; is {
			key = named
		}
		fmt.Println("value null")
		return chromedp.Run(ctx, chromedp.KeyEvent(key))
	case "click":
		var x, y float64
		if _, err := fmt.Sscan(rest, &x, &y); err != nil {
			return err
		}
		fmt.Println("value null")
		return chromedp.Run(ctx, chromedp.MouseClickXY(x, y))
	case "dark", "light":
		media := emulation.SetEmulatedMedia().WithFeatures(
			[]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: word}})
		return chromedp.Run(ctx, media)
	case "size":
		var width, height int64
		if _, err := fmt.Sscan(rest, &width, &height); err != nil {
			return err
		}
		return chromedp.Run(ctx, chromedp.EmulateViewport(width, height))
	case "shot":
		var picture []byte
		if err := chromedp.Run(ctx, chromedp.CaptureScreenshot(&picture)); err != nil {
			return err
		}
		fmt.Println("value", len(picture))
		return os.WriteFile(rest, picture, 0o666)
	}
	return fmt.Errorf("no such word: %q", word)
}

// overlay also reads shadow roots that are closed to scripts.
func overlay(ctx context.Context) error {
	var root *cdp.Node
	err := chromedp.Run(ctx, chromedp.ActionFunc(func(ctx context.Context) (err error) {
		root, err = dom.GetDocument().WithDepth(-1).WithPierce(true).Do(ctx)
		return err
	}))
	if err != nil {
		return err
	}
	var text []string
	var visit func(n *cdp.Node, inside bool)
	visit = func(n *cdp.Node, inside bool) {
		inside = inside || strings.EqualFold(n.NodeName, "hotreload-overlay")
		if n.NodeType == cdp.NodeTypeText && inside {
			text = append(text, n.NodeValue)
		}
		for _, child := range append(n.ShadowRoots, n.Children...) {
			visit(child, inside)
		}
	}
	visit(root, false)
	out, err := json.Marshal(strings.Join(text, " "))
	fmt.Printf("value %s\n", out)
	return err
}

func promise(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }

func (d *driver) evaluate(ctx context.Context, script string) error {
	var value json.RawMessage
	script = "Promise.resolve(" + script + ").then(v => JSON.stringify(v) ?? 'null')"
	if err := chromedp.Run(ctx, chromedp.Evaluate(script, &value, promise)); err != nil {
		return err
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return err
	}
	fmt.Println("value", text)
	return nil
}

// await evaluates the expression again if another page has replaced the present one.
func (d *driver) await(ctx context.Context, script string) error {
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		var yes bool
		err := chromedp.Run(ctx, chromedp.Evaluate("!!("+script+")", &yes))
		if err == nil && yes {
			return d.evaluate(ctx, script)
		}
		if time.Now().After(until) {
			return fmt.Errorf("never true: %s: %v", script, err)
		}
	}
}
