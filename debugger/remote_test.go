package debugger

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// remoteStep is an input of a JSON-RPC client, and the expected results.
type remoteStep struct {
	do   func(r *remote)
	want string
}

// call is a request with the id 7.
func call(method, argument string) func(*remote) {
	return func(r *remote) {
		r.asked(json.RawMessage(fmt.Sprintf(`{"method":"RPCServer.%s","params":[%s],"id":7}`, method, argument)))
	}
}

func command(name string) func(*remote) { return call("Command", fmt.Sprintf(`{"name":%q}`, name)) }

// result answers the request with this id.
func result(id int) func(*remote) {
	return func(r *remote) {
		r.answered(r.epoch, json.RawMessage(fmt.Sprintf(`{"id":%d,"result":{},"error":null}`, id)))
	}
}

func describeRemote(actions []action) string {
	var all []string
	for _, a := range actions {
		switch a := a.(type) {
		case toClient:
			var m struct{ Error any }
			if _ = json.Unmarshal(a.text, &m); m.Error != nil {
				all = append(all, "client: error")
			} else {
				all = append(all, "client: answer")
			}
		case toHeadless:
			var m rpc
			_ = json.Unmarshal(a.text, &m)
			text := strings.TrimPrefix(m.Method, "RPCServer.")
			if m.Method == "RPCServer.Detach" {
				text += " " + string(m.Params[0])
			}
			all = append(all, fmt.Sprintf("dlv %d: %s", a.epoch, text))
		case startHeadless:
			all = append(all, fmt.Sprintf("start dlv %d for %d", a.epoch, a.worker.ID))
		case endHeadless:
			all = append(all, fmt.Sprintf("end dlv %d", a.epoch))
		case expire:
			all = append(all, fmt.Sprintf("expire %d", a.epoch))
		default:
			all = append(all, describe([]action{a}))
		}
	}
	return strings.Join(all, ", ")
}

func TestRemote(t *testing.T) {
	held := func(n int) func(*remote) { return func(r *remote) { r.held(worker(n)) } }
	ready := func(n int) func(*remote) { return func(r *remote) { r.ready(worker(n)) } }
	exited := func(n int) func(*remote) { return func(r *remote) { r.exited(n) } }
	failed := func(n int) func(*remote) { return func(r *remote) { r.failed(n) } }
	lost := func(r *remote) { r.lost(r.epoch, "killed") }
	expired := func(r *remote) { r.expired(r.epoch) }
	connected, left, dismissed := (*remote).connected, (*remote).left, (*remote).dismiss
	joins := []remoteStep{
		{connected, "want true"},
		{call("SetApiVersion", "{}"), ""},
		{held(2), "start dlv 1 for 2"},
		{func(r *remote) { r.dialed(1) }, "dlv 1: SetApiVersion"},
		{result(7), "release 2, halt 2 true, client: answer"},
	}
	runs := append(joins[:len(joins):len(joins)],
		remoteStep{command("continue"), "halt 2 false, dlv 1: Command"}, remoteStep{ready(2), ""},
	)
	parts := append(runs[:len(runs):len(runs)], remoteStep{
		held(3), "say, client: error, end dlv 1, release 2, halt 2 false, release 3, hang up, expire 1",
	})
	for _, c := range []struct {
		name   string
		before []remoteStep
		steps  []remoteStep
	}{
		{"stops at a breakpoint, and goes on", runs, []remoteStep{
			{result(8), "client: answer"}, // of another request
			{result(7), "halt 2 true, client: answer"},
			{command("switchGoroutine"), "dlv 1: Command"},
			{command("next"), "halt 2 false, dlv 1: Command"},
			{command("halt"), "dlv 1: Command"},
			{result(7), "halt 2 true, client: answer"},
			{left, "end dlv 1, release 2, halt 2 false, want false"},
		}},
		{"quits, and must not kill the program", joins, []remoteStep{
			{call("Detach", `{"Kill":true}`), `dlv 1: Detach {"Kill":false}`},
			{result(7), "client: answer"},
			{lost, "end dlv 1, release 2, halt 2 false, want false, hang up"},
			{left, ""},
		}},
		{"a new generation ends the connection, the client comes again, and quits", parts, []remoteStep{
			{connected, ""}, // and waits for the new generation, although the old one still serves
			{call("SetApiVersion", "{}"), ""},
			{ready(3), "start dlv 2 for 3"},
			{func(r *remote) { r.dialed(2) }, "dlv 2: SetApiVersion"},
			{expired, ""},
			{result(7), "release 3, halt 3 true, client: answer"},
			{left, "end dlv 2, release 3, halt 3 false, want false"},
		}},
		{"the client comes when the new generation serves", parts, []remoteStep{
			{ready(3), ""}, {exited(2), ""}, {held(4), "release 4"}, {ready(4), ""}, {connected, "start dlv 2 for 4"},
		}},
		{"the new generation fails: the client gets the old one", parts, []remoteStep{
			{connected, ""}, {exited(3), ""}, {failed(2), "start dlv 2 for 2"},
		}},
		{"the client does not come again", parts, []remoteStep{{expired, "want false"}, {expired, ""}}},
		{"an editor comes instead", parts, []remoteStep{{dismissed, "want false"}, {expired, ""}}},
		{"stopped: the new generation waits, and a newer one instead", joins, []remoteStep{
			{held(3), "say"},
			{held(4), "release 3, say"},
			{exited(3), ""},
			{command("next"), "halt 2 false, dlv 1: Command"}, // a step goes on in the old one
			{result(7), "halt 2 true, client: answer"},
			{command("continue"),
				"halt 2 false, say, client: error, end dlv 1, release 2, halt 2 false, release 4, hang up, expire 1"},
		}},
		{"stopped, and r is pressed", joins, []remoteStep{
			{held(3), "say"},
			{func(r *remote) { r.switchNow() }, "say, end dlv 1, release 2, halt 2 false, release 3, hang up, expire 1"},
		}},
		{"stopped, and the program is killed", joins, []remoteStep{
			{exited(2), "end dlv 1, release 2, halt 2 false, hang up, expire 1"},
		}},
		{"dlv is killed", runs, []remoteStep{
			{lost, "say, client: error, end dlv 1, release 2, halt 2 false, hang up, expire 1, anew"},
		}},
		{"dlv cannot be started", joins[:3], []remoteStep{
			{lost, "say, client: error, end dlv 1, release 2, halt 2 false, want false, hang up"},
		}},
		{"leaves before there is a program", joins[:2], []remoteStep{{left, "want false"}, {held(2), "release 2"}}},
		{"without an agent, nobody is held", joins[:2], []remoteStep{
			{ready(2), "start dlv 1 for 2"}, {ready(2), ""},
			{ready(3), "say, end dlv 1, release 2, halt 2 false, release 3, hang up, expire 1"},
		}},
		{"answers of an older dlv", parts, []remoteStep{
			{connected, ""}, {func(r *remote) { r.answered(1, json.RawMessage(`{}`)) }, ""},
			{func(r *remote) { r.lost(1, "late") }, ""}, {func(r *remote) { r.dialed(1) }, ""},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRemote()
			for i, s := range append(c.before[:len(c.before):len(c.before)], c.steps...) {
				s.do(r)
				if have := describeRemote(r.take()); have != s.want {
					t.Fatalf("step %d\nhave %s\nwant %s", i+1, have, s.want)
				}
			}
		})
	}
}
