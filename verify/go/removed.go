package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Records that are not there any more. Bundles may be gone if a later `prune` record says that their time was over; their
// hashes stay, and so the tree can still be checked.
type removed struct {
	// The first records of bundles that are not there.
	bundles []int64
	// The first record that had to stay.
	minimum int64
	// Prune records that allow nothing.
	wrong error
}

const day = 86_400_000

// take reads what a `prune` record says. All others say nothing.
func (r *removed) take(seq int64, where string, record []byte) {
	var read struct {
		Kind string  `json:"kind"`
		T    float64 `json:"t"`
		Note struct {
			Minimum *float64 `json:"minimum"`
			Until   *float64 `json:"until"`
			Days    *float64 `json:"keep_days"`
		} `json:"note"`
	}
	if !bytes.Contains(record, []byte(`"kind":"prune"`)) {
		return
	}
	err := json.Unmarshal(record, &read)
	if err == nil && read.Kind != "prune" {
		return
	}
	note := read.Note
	whole := err == nil && note.Minimum != nil && note.Until != nil && note.Days != nil && int64(*note.Minimum)%width == 0
	if !whole || *note.Minimum > float64(seq) || *note.Until+*note.Days*day > read.T {
		what := "allows to remove records whose time is not over"
		r.wrong = worse(r.wrong, &problem{tampered, fmt.Sprintf("record %d in %s", seq, where), what})
		return
	}
	if minimum := int64(*note.Minimum); minimum > r.minimum {
		r.minimum = minimum
	}
}

// judge gives the worst of what is wrong: bundles of which no record says that they may be gone, and records that may not.
func (r *removed) judge() error {
	worst := r.wrong
	for _, first := range r.bundles {
		if first+width > r.minimum {
			worst = worse(worst, &problem{incomplete, bundlePath(first), "is missing"})
		}
	}
	return worst
}
