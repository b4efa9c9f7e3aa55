package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Whom the auditor trusts: a C2SP tlog-policy (c2sp.org/tlog-policy), which may also hold bare keys. sumdb/note opens notes
// for witnesses as it does for logs; what it does not know, and what is therefore here, is what they sign: a
// cosignature/v1 (c2sp.org/tlog-cosignature), a line with the time before the text.

const (
	logKey, cosignatureKey = 1, 4
	// Longest trust file; most keys, witnesses and groups in it; longest text of a note, most signature lines and longest line.
	trustLimit, namesLimit, textLimit, linesLimit, lineLimit = 64 << 10, 64, 64 << 10, 100, 8 << 10
	// The quorum that asks for nobody.
	nobody = "none"
)

// trust is what a trust file or a policy says.
type trust struct {
	keys   map[string]note.Verifier
	quorum *quorum
}

// quorum is which witnesses there are, by the policy's names, and which of them are enough.
type quorum struct {
	witnesses map[string]witness
	groups    map[string]group
	// In the order of the policy; the members of a group stand before it.
	names  []string
	needed string
}

type group struct {
	threshold int
	members   []string
}

// witness is the note.Verifier of a timestamped Ed25519 cosignature.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", time, text)
	return time <= math.MaxInt64 && ed25519.Verify(w.key, []byte(message), signature[8:])
}

// readTrust reads a trust file, and another one that holds the policy, if it is named.
func readTrust(path, policy string) (trust, error) {
	own, err := parseTrust(path)
	if err == nil && policy != "" {
		var under trust
		if under, err = parseTrust(policy); err == nil {
			own, err = own.under(under, policy)
		}
	}
	if err == nil && len(own.keys) == 0 {
		err = &problem{usage, path, "names no key"}
	}
	return own, err
}

// under gives these keys under a policy; if that names logs, only those of them.
func (t trust) under(policy trust, path string) (trust, error) {
	if policy.quorum == nil {
		return t, &problem{usage, path, "has no quorum line"}
	}
	for text := range t.keys {
		if _, named := policy.keys[text]; len(policy.keys) > 0 && !named {
			delete(t.keys, text)
		}
	}
	return trust{t.keys, policy.quorum}, nil
}

func (t trust) verifiers() note.Verifiers {
	var list []note.Verifier
	for _, key := range t.keys {
		list = append(list, key)
	}
	return note.VerifierList(list...)
}

func parseTrust(path string) (trust, error) {
	data, err := read("", path, trustLimit, usage)
	if err == nil && !utf8.Valid(data) {
		err = errors.New("is not text")
	}
	if err != nil {
		return trust{}, &problem{usage, path, err.Error()}
	}
	read := trust{keys: map[string]note.Verifier{}}
	policy := &quorum{witnesses: map[string]witness{}, groups: map[string]group{}}
	logs, count := map[string]bool{}, 0
	lines := strings.Split(string(data), "\n")
	for number, line := range lines {
		if number < len(lines)-1 {
			line = strings.TrimSuffix(line, "\r")
		}
		words := strings.FieldsFunc(line, func(c rune) bool { return c == ' ' || c == '\t' })
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		err := errors.New("is none of the lines that are known")
		switch isText := strings.IndexFunc(line, func(c rune) bool { return c < ' ' && c != '\t' }) < 0; {
		case !isText:
		case words[0] == "witness" || words[0] == "group" || words[0] == "quorum":
			err = policy.take(words)
			read.quorum = policy
		case words[0] == "log" && (len(words) == 2 || len(words) == 3):
			err = errors.New("another log has this key")
			if _, key, _ := readKey(words[1], logKey); !logs[string(key)] {
				logs[string(key)] = true
				err = read.add(words[1])
			}
			count++
		case words[0] == "epochs" && len(words) == 3 && count > 0:
			err = nil // Not judged here.
		case len(words) == 1:
			err = read.add(words[0])
			count++
		}
		if err != nil {
			return trust{}, &problem{usage, fmt.Sprintf("%s, line %d", path, number+1), err.Error()}
		}
	}
	if read.quorum != nil && policy.needed == "" {
		return trust{}, &problem{usage, path, "names witnesses, and no quorum of them"}
	} else if count > namesLimit {
		return trust{}, &problem{usage, path, "names too many keys"}
	}
	return read, nil
}

func (t trust) add(text string) error {
	if _, _, err := readKey(text, logKey); err != nil {
		return err
	}
	key, err := note.NewVerifier(text)
	t.keys[text] = key
	return err
}

// readKey reads `name+hex(id)+base64(type, key)` of one type. The package takes other spellings of the base64 as well.
func readKey(text string, kind byte) (name string, key []byte, err error) {
	parts := strings.SplitN(text, "+", 3)
	if len(parts) == 3 {
		key, err = base64.StdEncoding.Strict().DecodeString(parts[2])
		named := parts[0] != "" && strings.IndexFunc(parts[0], unicode.IsSpace) < 0
		if err == nil && named && len(key) == 1+ed25519.PublicKeySize && key[0] == kind && parts[1] == hex.EncodeToString(keyID(parts[0], key)) {
			return parts[0], key[1:], nil
		}
	}
	return "", nil, errors.New("its key is malformed, or of another kind")
}

func keyID(name string, key []byte) []byte {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return sum[:4]
}

// take reads a line `witness NAME KEY [URL]`, `group NAME all|any|COUNT NAME...` or `quorum NAME`.
func (q *quorum) take(words []string) error {
	switch {
	case words[0] == "quorum" && len(words) == 2:
		if q.needed != "" || (words[1] != nobody && !q.defines(words[1])) {
			return errors.New("there is another quorum line, or it names nobody who is defined above")
		}
		q.needed = words[1]
		return nil
	case words[0] == "quorum" || len(words) < 3:
		return errors.New("is not of the form")
	case words[1] == nobody || q.defines(words[1]):
		return errors.New("the name is taken")
	}
	q.names = append(q.names, words[1])
	if words[0] == "group" {
		return q.takeGroup(words[1], words[2], words[3:])
	}
	name, key, err := readKey(words[2], cosignatureKey)
	for _, other := range q.witnesses {
		if string(other.key) == string(key) {
			err = errors.New("another witness has this key")
		}
	}
	if err == nil && (len(words) > 4 || len(q.witnesses) == namesLimit) {
		err = errors.New("says too much, or is one witness too many")
	}
	id := keyID(name, append([]byte{cosignatureKey}, key...))
	q.witnesses[words[1]] = witness{name, binary.BigEndian.Uint32(id), key}
	return err
}

var count = regexp.MustCompile("^[1-9][0-9]?$")

func (q *quorum) takeGroup(name, threshold string, members []string) error {
	for place, member := range members {
		others := append([]string{}, members[:place]...)
		for _, group := range q.groups {
			others = append(others, group.members...)
		}
		for _, other := range others {
			if other == member {
				return errors.New("a member is in another group, or there twice")
			}
		}
		if member == name || !q.defines(member) {
			return errors.New("a member is nobody who is defined above")
		}
	}
	needed := map[string]int{"any": 1, "all": len(members)}[threshold]
	if count.MatchString(threshold) {
		needed, _ = strconv.Atoi(threshold)
	}
	if needed < 1 || needed > len(members) || len(q.groups) == namesLimit {
		return errors.New("the count is not between 1 and the number of members, or this is one group too many")
	}
	q.groups[name] = group{needed, members}
	return nil
}

func (q *quorum) defines(name string) bool {
	_, isWitness := q.witnesses[name]
	_, isGroup := q.groups[name]
	return isWitness || isGroup
}

// judge says whether enough have signed a checkpoint, there or in what witnesses gave back later.
func (q *quorum) judge(where string, now head, later []byte) error {
	if q == nil {
		return nil
	}
	met, missing := map[string]bool{}, []string{}
	lines := now.with(later)
	for _, name := range q.names {
		if group, is := q.groups[name]; is {
			count := 0
			for _, member := range group.members {
				if met[member] {
					count++
				}
			}
			met[name] = count >= group.threshold
			continue
		}
		signed, err := q.witnesses[name].signed(now.text, lines)
		if err != nil {
			return &problem{tampered, where, err.Error()}
		}
		if met[name] = signed; !signed {
			missing = append(missing, name)
		}
	}
	if q.needed != nobody && !met[q.needed] {
		return &problem{unwitnessed, where, "not enough witnesses have signed the head; missing: " + strings.Join(missing, ", ")}
	}
	return nil
}

// signed says whether a line is of this witness. One that claims to be and is not is an error.
func (w witness) signed(text string, lines []string) (signed bool, err error) {
	for _, line := range lines {
		// Alone: of several lines of one key the package looks at the first only.
		_, err := note.Open([]byte(text+"\n"+line+"\n"), note.VerifierList(w))
		if _, unknown := err.(*note.UnverifiedNoteError); unknown {
			continue
		} else if err != nil {
			return false, err
		}
		signed = true
	}
	return signed, nil
}

// with gives the signature lines of a head, those of a later copy of the same note in place of those of the same key.
func (h head) with(later []byte) []string {
	lines := h.lines
	text, more, err := parse(later)
	if err != nil || text != h.text {
		return lines
	}
	for _, line := range more {
		var kept []string
		for _, other := range lines {
			if signer(other) != signer(line) {
				kept = append(kept, other)
			}
		}
		if len(kept) >= linesLimit {
			break
		}
		lines = append(kept, line)
	}
	return lines
}

// parse gives text and signature lines of a well-formed note; nothing of it is checked.
func parse(data []byte) (text string, lines []string, err error) {
	_, err = note.Open(data, note.VerifierList())
	if _, sound := err.(*note.UnverifiedNoteError); !sound || !oneSpelling(string(data)) {
		return "", nil, errors.New("is no note, or has base64 in another spelling")
	}
	end := strings.LastIndex(string(data), "\n\n") + 1
	lines = strings.Split(strings.TrimSuffix(string(data[end+1:]), "\n"), "\n")
	for _, line := range lines {
		if len(line) > lineLimit || end > textLimit {
			return "", nil, errors.New("is longer than any note")
		}
	}
	return string(data[:end]), lines, nil
}

// signer is name and key id of a well-formed signature line.
func signer(line string) string {
	cut := strings.LastIndexByte(line, ' ')
	signature, _ := base64.StdEncoding.DecodeString(line[cut+1:])
	return line[:cut+1] + string(signature[:4])
}
