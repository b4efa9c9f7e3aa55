// Checks a Penstock ledger, the receipt of one record, or an evidence pack, with the transparency log packages of the Go project:
// sumdb/note opens what is signed, sumdb/tlog hashes the records, proves them from the tiles and checks the proofs.
// Written here is only what lies between those packages and the disk: paths, bundles of records, the lines of a
// checkpoint and of a receipt.
//
//	[OPTIONS] ledger FOLDER KEYS [CHECKPOINT]   the whole ledger; CHECKPOINT is one that was kept from last time
//	[OPTIONS] receipt RECEIPT KEYS [RECORD]     one record; RECORD is its line, if the receipt does not carry it
//	[OPTIONS] pack FOLDER KEYS                  an evidence pack, unpacked
//
//	--policy POLICY     witnesses that must have signed the head, as a C2SP tlog-policy
//	--without-content   do not look for kept content: this copy has none
//
// KEYS is a file of verifier keys, one a line, or a C2SP tlog-policy. Judged are bytes, tree, signatures, history and
// witnesses, all of it public formats (c2sp.org signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-policy,
// tlog-cosignature; RFC 6962), and whether content that records name is there. What else the records say is not read: whether
// they are in order, continue each other and end every call that they begin is for verify.py and `penstock verify`. Nor
// are the epoch keys that may sign beside the ledger's own: `epochs` lines in KEYS are passed over.
//
// Exit codes are theirs: 0 good, 2 usage, 10 tampered, 11 forked, 12 incomplete, 13 unwitnessed beyond policy, 14 cannot
// decide. It stops at the first problem.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	usage       = 2
	tampered    = 10
	forked      = 11
	incomplete  = 12
	unwitnessed = 13
	undecided   = 14
)

var names = map[int]string{
	usage: "usage", tampered: "tampered", forked: "forked", incomplete: "incomplete", unwitnessed: "unwitnessed",
	undecided: "undecided",
}

const (
	// Leaves or hashes in a full tile, and the rows of the tree between its top and its bottom.
	width, height = 256, 8
	// Longest note and receipt that are read, and longest bundle: 256 records of 65,535 bytes with their lengths.
	noteLimit, bundleLimit = 1_000_000, width * (2 + 65_535)
	// Beyond 2^62 the package counts over the end of an int64 and never comes back. No disk holds as much.
	sizeLimit = 1 << 48
	// The one log whose tree heads sumdb/tlog reads. The lines after the first are those of every checkpoint.
	theirOrigin = "go.sum database tree\n"
)

// problem is something wrong, where, and the exit code that says how bad it is.
type problem struct {
	code        int
	where, what string
}

func (p *problem) Error() string {
	return fmt.Sprintf("%s: %s: %s", names[p.code], p.where, p.what)
}

func main() {
	said, err := run(os.Args[1:])
	if err == nil {
		fmt.Println("good: " + said)
		return
	}
	fmt.Println(err)
	if known, is := err.(*problem); is {
		os.Exit(known.code)
	}
	os.Exit(undecided)
}

func run(given []string) (string, error) {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	policy, without := flags.String("policy", "", ""), flags.Bool("without-content", false, "")
	err := flags.Parse(given)
	arguments := flags.Args()
	if err != nil || len(arguments) < 3 || len(arguments) > 4 {
		const forms = "[--policy POLICY] [--without-content] ledger FOLDER KEYS [CHECKPOINT], receipt RECEIPT KEYS [RECORD], or pack FOLDER KEYS"
		return "", &problem{usage, "arguments", forms}
	}
	trusted, err := readTrust(arguments[2], *policy)
	if err != nil {
		return "", err
	}
	var kept []byte
	if len(arguments) == 4 {
		if kept, err = read("", arguments[3], noteLimit, usage); err != nil {
			return "", err
		}
	}
	switch arguments[0] {
	case "pack":
		if len(arguments) > 3 {
			return "", &problem{usage, arguments[3], "a pack holds its own checkpoint and records"}
		}
		return checkPack(arguments[1], trusted)
	case "ledger":
		return checkLedger(ledger{arguments[1], trusted.verifiers()}, trusted.quorum, kept, !*without)
	case "receipt":
		data, err := read("", arguments[1], noteLimit, usage)
		if err != nil {
			return "", err
		}
		return checkReceipt(arguments[1], data, kept, trusted)
	}
	return "", &problem{usage, arguments[0], "neither `ledger` nor `receipt` nor `pack`"}
}

// read gives the bytes of a file; one that is not there is a problem of the code `missing`.
func read(folder, name string, limit int64, missing int) ([]byte, error) {
	file, err := os.Open(filepath.Join(folder, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &problem{missing, name, "is missing"}
	} else if err != nil {
		return nil, &problem{undecided, name, err.Error()}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, &problem{undecided, name, err.Error()}
	} else if int64(len(data)) > limit {
		return nil, &problem{tampered, name, "is longer than any of its kind"}
	}
	return data, nil
}

// ---- checkpoints

// head is a signed checkpoint: which ledger, and its tree; and the note that it was read from.
type head struct {
	origin string
	tlog.Tree
	text  string
	lines []string
}

// open reads a checkpoint that a key of the origin's name signed.
func open(where string, data []byte, keys note.Verifiers) (head, error) {
	bad := func(what string) (head, error) { return head{}, &problem{tampered, where, what} }
	signed, err := note.Open(data, keys)
	if err != nil {
		return bad(err.Error())
	}
	text, lines, err := parse(data)
	if err != nil {
		return bad(err.Error())
	}
	origin, rest, _ := strings.Cut(signed.Text, "\n")
	tree, err := tlog.ParseTree([]byte(theirOrigin + rest))
	if err != nil {
		return bad(err.Error())
	}
	// The package passes over extension lines and over stray bits in base64. Written again, they would be gone.
	if again := string(tlog.FormatTree(tree)); again != theirOrigin+rest {
		return bad("not exactly origin, size and root")
	}
	if tree.N > sizeLimit {
		return head{}, &problem{undecided, where, "covers more records than can be checked here"}
	}
	for _, signature := range signed.Sigs {
		if signature.Name == origin {
			return head{origin, tree, text, lines}, nil
		}
	}
	return bad("its origin is not the name of its signer")
}

// oneSpelling says whether every signature of a well-formed note is in canonical base64. The package does not mind what
// stands in the bits that the last digit has too many, so that one signature would have several spellings.
func oneSpelling(signed string) bool {
	lines := signed[strings.LastIndex(signed, "\n\n")+2:]
	for _, line := range strings.Split(strings.TrimSuffix(lines, "\n"), "\n") {
		if _, err := base64.StdEncoding.Strict().DecodeString(line[strings.LastIndexByte(line, ' ')+1:]); err != nil {
			return false
		}
	}
	return true
}

// ---- tiles on the disk

// ledger is a folder of files. It is the tlog.TileReader that the package asks for hash tiles.
type ledger struct {
	folder string
	keys   note.Verifiers
}

// Height is the height of every tile of c2sp.org/tlog-tiles.
func (l ledger) Height() int { return height }

// ReadTiles gives the bytes of hash tiles, still to be authenticated.
func (l ledger) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		found, there, err := l.readTile(tile, width*tlog.HashSize)
		if err != nil {
			return nil, err
		}
		if len(found) != there.W*tlog.HashSize {
			return nil, &problem{tampered, path(there), "is not as long as its width says"}
		}
		data[i] = found[:tile.W*tlog.HashSize]
	}
	return data, nil
}

// SaveTiles is told which tiles are authentic. They stay where they are.
func (l ledger) SaveTiles([]tlog.Tile, [][]byte) {}

// readTile reads a tile, or the full one that took its place, and says which.
func (l ledger) readTile(tile tlog.Tile, limit int64) ([]byte, tlog.Tile, error) {
	data, err := read(l.folder, path(tile), limit, incomplete)
	if full := tile; tile.W < width && isMissing(err) {
		full.W = width
		if instead, err := read(l.folder, path(full), limit, incomplete); !isMissing(err) {
			return instead, full, err
		}
	}
	return data, tile, err
}

func isMissing(err error) bool {
	known, is := err.(*problem)
	return is && known.code == incomplete
}

// path is where c2sp.org/tlog-tiles has a tile. The package's own paths name the height, and call records data.
func path(tile tlog.Tile) string {
	place := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(place, "data/", "entries/", 1)
}

// ---- the whole ledger

func checkLedger(l ledger, policy *quorum, known []byte, withContent bool) (string, error) {
	if info, err := os.Stat(l.folder); err != nil || !info.IsDir() {
		return "", &problem{usage, l.folder, "is no folder"}
	}
	now, err := l.head("checkpoint")
	if err != nil {
		return "", err
	}
	var kept content
	if err := l.checkRecords(now, &kept); err != nil {
		return "", err
	}
	heads, err := l.checkHistory(now)
	if err != nil {
		return "", err
	}
	if known != nil {
		if err := l.checkKnown(now, known); err != nil {
			return "", err
		}
	}
	later, err := read(l.folder, fmt.Sprintf("witnessed/%d.note", now.N), noteLimit, undecided)
	if err != nil {
		later = nil // What cannot be read there has been judged with the history.
	}
	err = policy.judge("checkpoint", now, later)
	if withContent {
		err = worse(err, kept.judge(l.folder))
	}
	if err != nil {
		return "", err
	}
	const said = "%s, %d records and %d earlier heads; what else the records say was not judged"
	return fmt.Sprintf(said, now.origin, now.N, heads), nil
}

// head opens one of the checkpoints in the folder.
func (l ledger) head(name string) (head, error) {
	data, err := read(l.folder, name, noteLimit, undecided)
	if err != nil {
		return head{}, err
	}
	return open(name, data, l.keys)
}

// checkRecords proves every record by itself from the tiles, and checks the proof against the signed root.
func (l ledger) checkRecords(now head, kept *content) error {
	if now.N == 0 {
		return l.checkContinues(now, now, tampered, "checkpoint")
	}
	for first := int64(0); first < now.N; first += width {
		bundle := tlog.Tile{H: height, L: -1, N: first / width, W: int(min(width, now.N-first))}
		records, where, rest, err := l.records(bundle)
		gone := isMissing(err) && bundle.W == width
		if err != nil && !gone {
			return err
		}
		bundle.L = 0
		tiles := path(bundle) + " or a tile above it"
		proven, err := prefetch(tlog.TileHashReader(now.Tree, l), first, int64(bundle.W))
		if err != nil {
			return inTiles(tiles, err)
		}
		if gone {
			kept.gone.bundles = append(kept.gone.bundles, first)
			continue
		}
		for i, record := range records {
			seq := first + int64(i)
			proof, err := tlog.ProveRecord(now.N, seq, proven)
			if err != nil {
				return inTiles(tiles, err)
			}
			if tlog.CheckRecord(proof, now.N, now.Hash, seq, tlog.RecordHash(record)) != nil {
				return &problem{tampered, fmt.Sprintf("record %d in %s", seq, where), "is not the one that was signed"}
			}
			kept.take(seq, record)
			kept.gone.take(seq, where, record)
		}
		if len(records) != bundle.W || rest {
			return &problem{tampered, where, "its lengths do not fit"}
		}
	}
	return kept.gone.judge()
}

// bundlePath is where the bundle is that begins with a record.
func bundlePath(first int64) string {
	return path(tlog.Tile{H: height, L: -1, N: first / width, W: width})
}

// records splits a bundle as far as its lengths go: two bytes of length, big-endian, and the record. It also gives the
// bundle's path, and whether bytes are left over.
func (l ledger) records(bundle tlog.Tile) (records [][]byte, where string, rest bool, err error) {
	data, there, err := l.readTile(bundle, bundleLimit)
	for len(data) >= 2 && len(records) < there.W {
		end := 2 + int(data[0])<<8 + int(data[1])
		if end > len(data) {
			break
		}
		records, data = append(records, data[2:end]), data[end:]
	}
	return records[:min(len(records), bundle.W)], path(there), len(data) > 0, err
}

// inTiles says where the package met an error: in one of several tiles, of which it does not say which.
func inTiles(where string, err error) error {
	if _, known := err.(*problem); known {
		return err
	}
	return &problem{tampered, where, err.Error()}
}

// checkHistory compares the earlier heads with the tree, those that came back from witnesses as well, and gives how many
// they are.
func (l ledger) checkHistory(now head) (count int, err error) {
	type listing struct {
		size   int64
		folder string
	}
	var listed []listing
	for _, folder := range []string{"checkpoints", "witnessed"} {
		files, err := filepath.Glob(filepath.Join(l.folder, folder, "*.note"))
		if err != nil {
			return 0, &problem{undecided, folder, err.Error()}
		}
		for _, file := range files {
			if size, err := number(strings.TrimSuffix(filepath.Base(file), ".note")); err == nil {
				listed = append(listed, listing{size, folder})
			}
		}
	}
	sort.SliceStable(listed, func(i, j int) bool { return listed[i].size < listed[j].size })
	for place, one := range listed {
		name := fmt.Sprintf("%s/%d.note", one.folder, one.size)
		earlier, err := l.head(name)
		if err != nil {
			return 0, err
		}
		if earlier.N != one.size || earlier.origin != now.origin {
			return 0, &problem{tampered, name, "is the checkpoint of another size or ledger"}
		}
		if one.size <= now.N {
			count++
			if err := l.checkContinues(now, earlier, forked, name); err != nil {
				return 0, err
			}
		} else if place > count || one.folder == "witnessed" {
			// One head beyond the published one is a ledger that was copied between signing and publishing; but no witness
			// has seen what was not published.
			return 0, &problem{incomplete, name, "covers more records than there are"}
		}
	}
	return count, nil
}

// checkKnown compares the head that the auditor kept.
func (l ledger) checkKnown(now head, data []byte) error {
	const where = "the known checkpoint"
	known, err := open(where, data, l.keys)
	switch {
	case err != nil:
		return &problem{undecided, where, err.Error()}
	case known.origin != now.origin:
		return &problem{undecided, where, "is of another ledger"}
	case known.N > now.N:
		return &problem{incomplete, where, "covers more records than there are"}
	}
	return l.checkContinues(now, known, forked, where)
}

// checkContinues checks that the tree continues an earlier one; if it does not, that is a problem of this code.
func (l ledger) checkContinues(now, earlier head, code int, where string) error {
	not := &problem{code, where, fmt.Sprintf("another root was signed for the first %d records", earlier.N)}
	if earlier.N == 0 {
		// The package has no proofs for the tree without leaves, whose root is the hash of nothing.
		if earlier.Hash != sha256.Sum256(nil) {
			return not
		}
		return nil
	}
	proof, err := tlog.ProveTree(now.N, earlier.N, tlog.TileHashReader(now.Tree, l))
	if err != nil {
		return inTiles(where, err)
	}
	if tlog.CheckTree(proof, now.N, now.Hash, earlier.N, earlier.Hash) != nil {
		return not
	}
	return nil
}

// ---- hashes

// hashes remembers what the tile reader below has given. Without it every tile would be authenticated for every record.
type hashes struct {
	below tlog.HashReader
	known map[int64]tlog.Hash
}

// prefetch asks for all hashes of the subtree over one bundle at once.
func prefetch(below tlog.HashReader, first, count int64) (hashes, error) {
	var indexes []int64
	for level := 0; level <= height; level++ {
		for n := first >> level; n < (first+count)>>level; n++ {
			indexes = append(indexes, tlog.StoredHashIndex(level, n))
		}
	}
	read := hashes{below, map[int64]tlog.Hash{}}
	_, err := read.ReadHashes(indexes)
	return read, err
}

// ReadHashes gives hashes that are proven to be in the tree.
func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var missing []int64
	for _, index := range indexes {
		if _, there := h.known[index]; !there {
			missing = append(missing, index)
		}
	}
	if len(missing) > 0 {
		found, err := h.below.ReadHashes(missing)
		if err != nil {
			return nil, err
		}
		for i, index := range missing {
			h.known[index] = found[i]
		}
	}
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		all[i] = h.known[index]
	}
	return all, nil
}

// ---- receipts

// checkReceipt checks a c2sp.org/tlog-proof.
func checkReceipt(where string, data, record []byte, trusted trust) (string, error) {
	read, err := parseReceipt(where, data)
	if err != nil {
		return "", err
	}
	now, err := open(where, read.signed, trusted.verifiers())
	if err != nil {
		return "", err
	}
	if record == nil && read.extra == nil {
		return "", &problem{undecided, where, "it does not carry its record: give it as well"}
	} else if record == nil {
		record = read.extra
	}
	// A file that an editor wrote ends in a newline; a record does not.
	leaf := tlog.RecordHash([]byte(strings.TrimSuffix(string(record), "\n")))
	if tlog.CheckRecord(read.proof, now.N, now.Hash, read.index, leaf) != nil {
		return "", &problem{tampered, where, "does not lead from the record to the signed root"}
	}
	if err := trusted.quorum.judge(where, now, nil); err != nil {
		return "", err
	}
	return fmt.Sprintf("record %d of %d in %s, byte for byte as signed", read.index, now.N, now.origin), nil
}

// number reads a decimal number below 2^63 that has one spelling.
func number(text string) (int64, error) {
	value, err := strconv.ParseInt(text, 10, 64)
	if err == nil && (value < 0 || text != strconv.FormatInt(value, 10)) {
		err = errors.New("no number")
	}
	return value, err
}

func min[T int | int64](a, b T) T {
	if a < b {
		return a
	}
	return b
}
