package runner

import (
	"context"

	"hotreload/supervisor"
)

// Send gives a message to the target's worker, or to the service's next idle one: see supervisor.Supervisor.Send.
func (t Target) Send(ctx context.Context, data []byte, reply func(supervisor.Worker, []byte)) (supervisor.Worker,
	error) {
	return t.supervisor.Send(ctx, t.Slot, data, reply)
}

// Broadcast gives a message to each worker of the service that accepts messages.
func (t Target) Broadcast(ctx context.Context, data []byte,
	reply func(supervisor.Worker, []byte)) []supervisor.Delivery {
	return t.supervisor.Broadcast(ctx, data, reply)
}

// Inquire asks the workers for reports about themselves.
func (t Target) Inquire(ctx context.Context, privileged bool) []supervisor.Account {
	return t.supervisor.Inquire(ctx, t.Slot, privileged)
}
