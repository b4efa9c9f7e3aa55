package main

import (
	"bufio"
	"bytes"
	"container/heap"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// An evidence pack, unpacked: the folder that `penstock export --pack` makes. Every file is compared with the manifest and
// the manifest with its signature; the sample is drawn again from the population; and every record is proved to be in the
// ledger under the pack's checkpoint, by its bytes or, if it is redacted, by its leaf hash.

const (
	manifestName, noteName = "manifest.json", "manifest.note"
	// Longest manifest, most records of a pack, and most bytes of all its files.
	manifestLimit, packRecords, packBytes = 32 << 20, 100_000, 8 << 30
	// Longest line of the population, of the records and of what is redacted, and longest proof.
	rangeLimit, recordLimit, redactedLimit, proofLimit = 42, 65_536, 65_535, 2 << 20
	drawnBy                                            = "sha256-smallest v1"
)

var (
	fixed = strings.Fields(`README.md verify.html verify.py records.py signatures.py witnesses.py content.py pack.py
		trust/ledger.trust checkpoint population.txt records.ndjson redacted.ndjson manifest.json manifest.note`)
	proofOf   = regexp.MustCompile(`^proofs/([0-9]{12,19})\.tlog-proof$`)
	seedOf    = regexp.MustCompile(`^[!-~]([ -~]{0,126}[!-~])?$`)
	hashInHex = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// manifest is what manifest.json says that is judged here.
type manifest struct {
	Version int
	Head    struct {
		Origin string
		Size   int64
		Root   string
	}
	Population, Records int64
	Sample              *struct {
		Method, Seed string
		Size         int64
	}
	Redaction *struct {
		Profile string
		Records int64
	}
	Files []struct {
		Name, SHA256 string
		Size         int64
	}
}

// pack is a folder with what its manifest says.
type pack struct {
	folder string
	manifest
	keys note.Verifiers
}

// proved is a record with its leaf hash.
type proved struct {
	seq  int64
	leaf tlog.Hash
}

func checkPack(folder string, trusted trust) (string, error) {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", &problem{usage, folder, "is no folder: unpack it first"}
	}
	p := pack{folder: folder, keys: trusted.verifiers()}
	data, err := p.read(manifestName, manifestLimit)
	if err != nil {
		return "", err
	}
	if what := p.parse(data); what != "" {
		return "", &problem{tampered, manifestName, what}
	}
	if err := p.checkFiles(); err != nil {
		return "", err
	}
	unsigned := p.checkSignature(data)
	if known, is := unsigned.(*problem); is && known.code == tampered {
		return "", unsigned
	}
	now, err := p.checkHead()
	if err != nil {
		return "", err
	}
	drawn, err := p.draw()
	if err != nil {
		return "", err
	}
	if err := p.checkRecords(drawn, now); err != nil {
		return "", err
	}
	if err := worse(unsigned, trusted.quorum.judge("checkpoint", now, nil)); err != nil {
		return "", err
	}
	said := fmt.Sprintf("%d records are in %s under its head of %d, byte for byte as signed; %d fit what was asked for",
		len(drawn), now.origin, now.N, p.Population)
	if p.Sample != nil {
		said += fmt.Sprintf(", drawn by the seed %q", p.Sample.Seed)
	}
	if p.Redaction != nil {
		said += fmt.Sprintf("; %d of them are redacted by the profile %q, and there by their hashes only",
			p.Redaction.Records, p.Redaction.Profile)
	}
	return said, nil
}

// read gives the bytes of a file of the pack. A link is none: it leads out of what was signed.
func (p *pack) read(name string, limit int64) ([]byte, error) {
	if info, err := os.Lstat(filepath.Join(p.folder, name)); err == nil && !info.Mode().IsRegular() {
		return nil, &problem{incomplete, name, "is missing"}
	}
	return read(p.folder, name, limit, incomplete)
}

// parse reads the manifest; gives what is wrong with it.
func (p *pack) parse(data []byte) string {
	var any any
	if err := json.Unmarshal(data, &any); err != nil || !isPlain(any) {
		return "is malformed"
	}
	if err := json.Unmarshal(data, &p.manifest); err != nil {
		return "is malformed: " + err.Error()
	}
	if p.Version != 1 {
		return "is of another version"
	}
	if p.Population < 0 || p.Records < 0 || len(p.Files) > packRecords+len(fixed) {
		return "lacks a count, or lists too many files"
	}
	if s := p.Sample; s != nil && (s.Method != drawnBy || s.Size < 1 || s.Size > packRecords || !seedOf.MatchString(s.Seed)) {
		return "has a malformed sample, or a method that is not known"
	}
	seen, total := map[string]bool{}, int64(0)
	for _, file := range p.Files {
		known := isPackName(file.Name) && file.Name != manifestName && file.Name != noteName
		if !known || seen[file.Name] || file.Size < 0 || file.Size > packBytes {
			return "lists a file twice, or one that no pack has"
		}
		seen[file.Name] = true
		if total += file.Size; total > packBytes {
			return "lists files of more than 8 GiB"
		}
	}
	if r := p.Redaction; r != nil {
		fits := r.Profile == "persons" && 0 <= r.Records && r.Records <= p.Records ||
			r.Profile == "all" && r.Records == p.Records
		if !fits {
			return "has a malformed redaction, or a profile that is not known"
		}
	}
	if seen["redacted.ndjson"] != (p.Redaction != nil) {
		return "names a redaction without its file, or the file without it"
	}
	return ""
}

// isPlain says whether all keys are in small letters: encoding/json takes `Records` for `records`, and others do not.
func isPlain(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			if strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || !isPlain(member) {
				return false
			}
		}
	case []any:
		for _, member := range value {
			if !isPlain(member) {
				return false
			}
		}
	}
	return true
}

func isPackName(name string) bool {
	for _, known := range fixed {
		if name == known {
			return true
		}
	}
	digits := proofOf.FindStringSubmatch(name)
	if digits == nil {
		return false
	}
	seq, err := number(strings.TrimLeft(digits[1][:len(digits[1])-1], "0") + digits[1][len(digits[1])-1:])
	return err == nil && name == proofName(seq)
}

func proofName(seq int64) string { return fmt.Sprintf("proofs/%012d.tlog-proof", seq) }

// checkFiles compares the files that are there with those that the manifest lists.
func (p *pack) checkFiles() error {
	listed := map[string]bool{manifestName: true, noteName: true}
	var missing error
	for _, file := range p.Files {
		listed[file.Name] = true
		path := filepath.Join(p.folder, file.Name)
		info, err := os.Lstat(path)
		if err != nil || !info.Mode().IsRegular() {
			missing = worse(missing, &problem{incomplete, file.Name, "is missing"})
			continue
		}
		there := ""
		if info.Size() == file.Size {
			if there, err = fileHash(path); err != nil {
				return &problem{undecided, file.Name, err.Error()}
			}
		}
		if there != file.SHA256 {
			return &problem{tampered, file.Name, "is not the file that the manifest names"}
		}
	}
	err := filepath.WalkDir(p.folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if name, _ := filepath.Rel(p.folder, path); !listed[filepath.ToSlash(name)] {
			return &problem{tampered, fmt.Sprintf("%+q", name), "is not in the manifest"}
		}
		return nil
	})
	if _, known := err.(*problem); err != nil && !known {
		return &problem{undecided, p.folder, err.Error()}
	}
	return worse(err, missing)
}

func fileHash(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// checkSignature checks the note in which the ledger's key vouches for the manifest.
func (p *pack) checkSignature(data []byte) error {
	signed, err := p.read(noteName, noteLimit)
	if isMissing(err) {
		return &problem{undecided, noteName, "is missing: nobody vouches for the filter and the population"}
	} else if err != nil {
		return err
	}
	if !oneSpelling(string(signed)) {
		return &problem{tampered, noteName, "its base64 is in another spelling"}
	}
	opened, err := note.Open(signed, p.keys)
	if err != nil {
		return &problem{tampered, noteName, err.Error()}
	}
	says := fmt.Sprintf("penstock evidence pack v1\n%s\nsha256 %x\n", p.Head.Origin, sha256.Sum256(data))
	for _, signature := range opened.Sigs {
		if signature.Name == p.Head.Origin && opened.Text == says {
			return nil
		}
	}
	return &problem{tampered, manifestName, "is not the one that the ledger's key signed"}
}

func (p *pack) checkHead() (head, error) {
	data, err := p.read("checkpoint", noteLimit)
	if err != nil {
		return head{}, err
	}
	now, err := open("checkpoint", data, p.keys)
	if err != nil {
		return head{}, err
	}
	if now.origin != p.Head.Origin || now.N != p.Head.Size || now.Hash.String() != p.Head.Root {
		return head{}, &problem{tampered, "checkpoint", "is not the head that the manifest names"}
	}
	return now, nil
}

// lines goes over the lines of a file, each at most so long, with `each`; what that says is wrong ends it.
func (p *pack) lines(name string, limit int, each func(line []byte) string) error {
	file, err := os.Open(filepath.Join(p.folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return &problem{incomplete, name, "is missing"}
	} else if err != nil {
		return &problem{undecided, name, err.Error()}
	}
	defer file.Close()
	reader := bufio.NewReaderSize(file, limit+1)
	for {
		line, err := reader.ReadSlice('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		} else if err != nil {
			return &problem{tampered, name, "a line is too long, or has no end"}
		}
		if what := each(line[:len(line)-1]); what != "" {
			return &problem{tampered, name, what}
		}
	}
}

// lot is what a record draws; the smallest lots are the sample.
type lot struct {
	sum [sha256.Size]byte
	seq int64
}

// lots is a heap with the largest on top.
type lots []lot

func (l lots) Len() int      { return len(l) }
func (l lots) Swap(a, b int) { l[a], l[b] = l[b], l[a] }
func (l lots) Less(a, b int) bool {
	order := bytes.Compare(l[a].sum[:], l[b].sum[:])
	return order > 0 || order == 0 && l[a].seq > l[b].seq
}
func (l *lots) Push(one any) { *l = append(*l, one.(lot)) }
func (l *lots) Pop() any {
	last := (*l)[len(*l)-1]
	*l = (*l)[:len(*l)-1]
	return last
}

// draw gives the numbers of the records that must be there: the population, or the sample drawn again.
func (p *pack) draw() ([]int64, error) {
	const where = "population.txt"
	if p.Sample == nil && p.Population > packRecords {
		return nil, &problem{tampered, where, "names more records than a pack holds"}
	}
	var all []int64
	var least lots
	take := func(seq int64) {
		if p.Sample == nil {
			all = append(all, seq)
			return
		}
		one := lot{sha256.Sum256([]byte(fmt.Sprintf("penstock sample v1\n%s\n%d\n", p.Sample.Seed, seq))), seq}
		if heap.Push(&least, one); int64(len(least)) > p.Sample.Size {
			heap.Pop(&least)
		}
	}
	count, at := int64(0), int64(0)
	err := p.lines(where, rangeLimit, func(line []byte) string {
		from, to, ranges := strings.Cut(string(line), "-")
		first, err := number(from)
		last := first
		if ranges && err == nil {
			last, err = number(to)
		}
		if err != nil || ranges && first >= last {
			return "is malformed"
		}
		if first < at || last >= p.Head.Size || last-first >= p.Population-count {
			return "is not in order, names records beyond the head, or more than the manifest says"
		}
		for seq := first; seq <= last; seq++ {
			take(seq)
		}
		count, at = count+last-first+1, last+1
		return ""
	})
	if err != nil {
		return nil, err
	}
	for _, one := range least {
		all = append(all, one.seq)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	if count != p.Population || int64(len(all)) != p.Records {
		return nil, &problem{tampered, where, "does not give as many records as the manifest says"}
	}
	return all, nil
}

// checkRecords proves each record that was drawn, in the order of the ledger.
func (p *pack) checkRecords(drawn []int64, now head) error {
	hidden, err := p.hidden(drawn)
	if err != nil {
		return err
	}
	before, next := proved{seq: -2}, 0
	// The redacted ones have no line here.
	pass := func() error {
		for ; next < len(drawn); next++ {
			leaf, is := hidden[drawn[next]]
			if !is {
				return nil
			}
			if err := p.prove(drawn[next], leaf, nil, now); err != nil {
				return err
			}
			before = proved{drawn[next], leaf}
		}
		return nil
	}
	var failed error
	err = p.lines("records.ndjson", recordLimit, func(line []byte) string {
		if failed = pass(); failed != nil {
			return "stops"
		}
		if next == len(drawn) {
			return "holds more records than were drawn"
		}
		seq, leaf := drawn[next], tlog.RecordHash(line)
		if failed = p.prove(seq, leaf, line, now); failed != nil {
			return "stops"
		}
		if before.seq+1 == seq && !continues(line, before.leaf) {
			failed = &problem{tampered, fmt.Sprintf("record %d in records.ndjson", seq), "does not continue the one before it"}
			return "stops"
		}
		before, next = proved{seq, leaf}, next+1
		return ""
	})
	if failed == nil && err == nil {
		failed = pass()
	}
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return err
	case next < len(drawn):
		return &problem{incomplete, fmt.Sprintf("record %d", drawn[next]), "is not in records.ndjson"}
	}
	return nil
}

// continues says whether a record names the leaf hash of the one before it.
func continues(record []byte, before tlog.Hash) bool {
	var fields map[string]json.RawMessage
	var previous string
	err := json.Unmarshal(record, &fields)
	return err == nil && json.Unmarshal(fields["prev"], &previous) == nil && previous == hex.EncodeToString(before[:])
}

// hidden gives the leaf hashes of the redacted records, by number.
func (p *pack) hidden(drawn []int64) (map[int64]tlog.Hash, error) {
	found := map[int64]tlog.Hash{}
	if p.Redaction == nil {
		return found, nil
	}
	wanted, last := map[int64]bool{}, int64(-1)
	for _, seq := range drawn {
		wanted[seq] = true
	}
	claims := p.Redaction.Profile != "all"
	err := p.lines("redacted.ndjson", redactedLimit, func(line []byte) string {
		var fields map[string]json.RawMessage
		var leaf string
		var seq int64
		bad := json.Unmarshal(line, &fields) != nil || json.Unmarshal(fields["leaf"], &leaf) != nil ||
			json.Unmarshal(fields["seq"], &seq) != nil || !hashInHex.MatchString(leaf)
		if _, claimed := fields["claimed"]; bad || claimed != claims || len(fields) != map[bool]int{false: 2, true: 3}[claims] {
			return "is malformed"
		}
		if seq <= last || !wanted[seq] {
			return "does not hold the records that the manifest says"
		}
		var hash tlog.Hash
		if _, err := hex.Decode(hash[:], []byte(leaf)); err != nil {
			return "is malformed"
		}
		found[seq], last = hash, seq
		return ""
	})
	if err == nil && int64(len(found)) != p.Redaction.Records {
		err = &problem{tampered, "redacted.ndjson", "does not hold the records that the manifest says"}
	}
	return found, err
}

// prove checks the proof of one leaf. It may carry the record, or, of one that is redacted, nothing.
func (p *pack) prove(seq int64, leaf tlog.Hash, record []byte, now head) error {
	where := proofName(seq)
	data, err := p.read(where, proofLimit)
	if err != nil {
		return err
	}
	r, err := parseReceipt(where, data)
	if err != nil {
		return err
	}
	signed, err := open(where, r.signed, p.keys)
	if err != nil {
		return err
	}
	bad := func(what string) error { return &problem{tampered, where, what} }
	switch {
	case r.index != seq || signed.Tree != now.Tree || signed.origin != now.origin:
		return bad("is for another head or place")
	case tlog.CheckRecord(r.proof, now.N, now.Hash, seq, leaf) != nil:
		return bad("does not lead from the record to the signed root")
	case record == nil && r.extra != nil:
		return bad("carries a record that is redacted")
	case record != nil && r.extra != nil && !bytes.Equal(r.extra, record):
		return bad("carries another record")
	}
	return nil
}

// receipt is a c2sp.org/tlog-proof, read and not believed yet.
type receipt struct {
	extra  []byte
	index  int64
	proof  tlog.RecordProof
	signed []byte
}

// parseReceipt reads version, perhaps extra data, index, path, empty line, checkpoint.
func parseReceipt(where string, data []byte) (receipt, error) {
	bad := func(what string) (receipt, error) { return receipt{}, &problem{tampered, where, what} }
	text, signed, _ := strings.Cut(string(data), "\n\n")
	lines := strings.Split(text, "\n")
	if lines[0] != "c2sp.org/tlog-proof@v1" {
		return bad("is no receipt")
	}
	read := receipt{signed: []byte(signed)}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		var err error
		if read.extra, err = base64.StdEncoding.Strict().DecodeString(lines[0][len("extra "):]); err != nil {
			return bad("its extra data is malformed")
		}
		lines = lines[1:]
	}
	if len(lines) == 0 || !strings.HasPrefix(lines[0], "index ") {
		return bad("has no index")
	}
	var err error
	if read.index, err = number(lines[0][len("index "):]); err != nil {
		return bad("its index is no number")
	}
	for _, line := range lines[1:] {
		hash, err := tlog.ParseHash(line)
		if err != nil || hash.String() != line {
			return bad("its path is malformed")
		}
		read.proof = append(read.proof, hash)
	}
	return read, nil
}
