package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Content that a ledger keeps: a record's `seal` names an envelope, blobs/AA/SHA-256, and the key that it opens with,
// seals/YYYY-MM/SUBJECT. Without a key it can be checked that the envelope is the one that was named, and that neither is gone
// unless an `erase` record covers it. Of what records say this is all that is read here; their form is not judged.

const (
	envelopeLimit = 1<<30 + 512
	unsaid        = " is gone, and nothing says that it was erased"
)

var (
	keyName  = regexp.MustCompile(`^([0-9]{4}-(?:0[1-9]|1[0-2]))/([a-z0-9][a-z0-9._-]*)$`)
	blobName = regexp.MustCompile(`^[0-9a-f]{64}$`)
	identity = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// content is what the records say of it.
type content struct {
	named    []naming
	erasures []erasure
	// Content goes with its records, and before them.
	gone removed
}

type naming struct {
	seq                 int64
	id, call, blob, key string
}

type erasure struct {
	seq  int64
	time float64
	// Either a call, or a subject with a month or without.
	call, subject, month string
}

// take reads what a record says of content. Most say nothing.
func (c *content) take(seq int64, record []byte) {
	var read map[string]any
	if !bytes.Contains(record, []byte(`"seal":`)) && !bytes.Contains(record, []byte(`"kind":"erase"`)) || json.Unmarshal(record, &read) != nil {
		return
	}
	text := func(within any, key string) (string, bool) {
		object, _ := within.(map[string]any)
		value, is := object[key].(string)
		return value, is
	}
	id, _ := text(read, "id")
	call, is := text(read, "ref")
	if !is {
		call = id
	}
	blob, named := text(read["seal"], "blob")
	if key, keyed := text(read["seal"], "key"); named && keyed {
		c.named = append(c.named, naming{seq, id, call, blob, key})
	}
	if event, _ := text(read["note"], "event"); read["kind"] != "erase" || event != "erased" {
		return
	}
	erased := erasure{seq: seq}
	erased.time, _ = read["t"].(float64)
	var ofCall, ofSubject, ofMonth bool
	erased.call, ofCall = text(read["note"], "record")
	erased.subject, ofSubject = text(read["note"], "subject")
	erased.month, ofMonth = text(read["note"], "month")
	name := "2000-01/" + erased.subject
	if ofMonth {
		name = erased.month + "/" + erased.subject
	}
	if ofCall && !ofSubject && identity.MatchString(erased.call) || ofSubject && !ofCall && isKeyName(name) {
		c.erasures = append(c.erasures, erased)
	}
}

func isKeyName(name string) bool {
	return len(name) >= 9 && len(name) <= 120 && keyName.MatchString(name)
}

// allows says whether the content of a record may be gone. An identity is drawn before its content is sealed, and nothing is
// sealed while content is erased: what was sealed before has an earlier identity, though its record may come later.
func (e erasure) allows(one naming) bool {
	name := keyName.FindStringSubmatch(one.key)
	covers := e.call == one.call
	if e.call == "" {
		covers = e.subject == name[2] && (e.month == "" || e.month == name[1])
	}
	return covers && (one.seq < e.seq || drawn(one.id) <= e.time)
}

// drawn is when an identity was drawn, in milliseconds since 1970, if it tells (RFC 9562 section 5.7).
func drawn(id string) float64 {
	if len(id) != 36 || id[14] != '7' {
		return 0
	}
	time, _ := strconv.ParseUint(id[:8]+id[9:13], 16, 64)
	return float64(time)
}

// judge compares what records name with what is there, and gives the worst.
func (c *content) judge(folder string) error {
	var worst error
	for _, one := range c.named {
		code, what := c.compare(folder, one)
		// What goes before its record may be gone already.
		if mayBeGone := strings.HasSuffix(what, unsaid) && one.seq < c.gone.minimum; what != "" && !mayBeGone {
			worst = worse(worst, &problem{code, fmt.Sprintf("record %d (%s)", one.seq, one.id), what})
		}
	}
	return worst
}

// worse gives the problem that is worse: that with the smaller code.
func worse(one, other error) error {
	first, is := one.(*problem)
	second, also := other.(*problem)
	if !is || also && second.code < first.code {
		return other
	}
	return one
}

func (c *content) compare(folder string, one naming) (code int, what string) {
	const unreadable = "its content cannot be read"
	if !isKeyName(one.key) || !blobName.MatchString(one.blob) {
		return undecided, unreadable
	}
	by := int64(-1)
	for _, erased := range c.erasures {
		if by < 0 && erased.allows(one) {
			by = erased.seq
		}
	}
	found, err := digest(filepath.Join(folder, "blobs", one.blob[:2], one.blob))
	switch {
	case errors.Is(err, fs.ErrNotExist) && by < 0:
		return incomplete, "its content" + unsaid
	case errors.Is(err, fs.ErrNotExist):
		return 0, ""
	case err != nil:
		return undecided, unreadable
	case one.seq < by: // A call that began before and was sealed after is kept under a fresh key.
		return incomplete, fmt.Sprintf("its content is still there, though #%d says that it was erased: erase it again", by)
	case found != one.blob:
		return tampered, "its content is not what the record names"
	}
	if _, err := os.Stat(filepath.Join(folder, "seals", one.key)); err != nil {
		return incomplete, "the key of its content" + unsaid
	}
	return 0, ""
}

// digest is the SHA-256 of a file in hexadecimal. One of nothing but zeros is being destroyed, and counts as not there.
func digest(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && (!info.Mode().IsRegular() || info.Size() > envelopeLimit) {
		err = errors.New("is no envelope")
	}
	if err != nil {
		return "", err
	}
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	hash, zeros := sha256.New(), zeros(info.Size() > 0)
	_, err = io.Copy(io.MultiWriter(hash, &zeros), file)
	if err == nil && bool(zeros) {
		err = fs.ErrNotExist
	}
	return hex.EncodeToString(hash.Sum(nil)), err
}

// zeros tells whether nothing but zeros was written to it.
type zeros bool

func (z *zeros) Write(piece []byte) (int, error) {
	*z = *z && len(bytes.Trim(piece, "\x00")) == 0
	return len(piece), nil
}
