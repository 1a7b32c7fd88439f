package watch

import "time"

// outlet sends batches. The offer is the draft as published last; nil if the consumer has received all of the draft.
// The window is open while the draft contains something unsettled.
type outlet struct {
	draft  draft
	quiet  time.Duration // Config.Quiet
	window window
	offer  *Batch // the consumer's next batch
}

// emptyPatience is how many times as long as usual a batch with an empty file stays open. Many programs save in two
// steps, truncate and write, and on a busy machine much time can pass between the two. Then the consumer would build,
// and report, half a save. Few files are meant to be empty. Felt right, not measured.
const emptyPatience = 6

// publish offers a changed draft. first and last are when the changes were noticed.
func (o *outlet) publish(first, last time.Time) {
	if o.draft.void() { // nothing, or undone before the consumer received it
		o.draft, o.offer = draft{}, nil
		o.window.shut()
		return
	}
	if !o.draft.moved {
		return
	}
	o.draft.moved = false
	o.window.quiet = o.quiet
	if o.draft.emptied() {
		o.window.quiet *= emptyPatience
	}
	o.window.touch(last)
	if o.draft.began.IsZero() {
		o.draft.began = first
	}
	o.draft.last = last
	o.put(false)
}

// settle offers the draft at the end of the window.
func (o *outlet) settle() {
	o.window.shut()
	o.put(true)
}

func (o *outlet) put(settled bool) {
	b := o.draft.batch(settled)
	o.offer = &b
}

// received notes that the consumer has received b, the whole draft.
func (o *outlet) received(b Batch) {
	o.offer = nil
	if b.Settled {
		o.draft = draft{}
	} else {
		o.draft.told = true
		o.draft.fresh = nil
	}
}
