// Writes a ledger anew from nothing but its records and its key, for tests: tree, tiles, proofs and signed notes are
// made by the transparency log packages of the Go project. What it writes has to be, byte for byte, what Penstock wrote.
//
//	remake RECORDS KEY FOLDER SIZE...
//
// RECORDS holds the records, one a line; KEY a signer key of sumdb/note, whose name is the origin. At each SIZE, which
// ascend, a head is published in FOLDER, and after the last a receipt of every record is laid into FOLDER/receipts.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	width, height = 256, 8
	theirOrigin   = "go.sum database tree\n"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) < 4 {
		return fmt.Errorf("usage: remake RECORDS KEY FOLDER SIZE...")
	}
	lines, err := os.ReadFile(arguments[0])
	if err != nil {
		return err
	}
	key, err := os.ReadFile(arguments[1])
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	if err != nil {
		return err
	}
	records := bytes.Split(bytes.TrimSuffix(lines, []byte("\n")), []byte("\n"))
	made := &ledger{folder: arguments[2], signer: signer, records: records}
	for _, argument := range arguments[3:] {
		size, err := strconv.Atoi(argument)
		if err != nil {
			return err
		}
		if err := made.publish(size); err != nil {
			return err
		}
	}
	return made.receipts()
}

// ledger is a ledger in the making. It is the tlog.HashReader of its own tree.
type ledger struct {
	folder  string
	signer  note.Signer
	records [][]byte
	hashes  []tlog.Hash
	size    int64
	head    []byte
}

// ReadHashes gives hashes of the tree so far.
func (l *ledger) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = l.hashes[index]
	}
	return hashes, nil
}

// publish grows the tree to this size, writes its tiles, and signs its head.
func (l *ledger) publish(size int) error {
	for ; l.size < int64(size); l.size++ {
		hashes, err := tlog.StoredHashes(l.size, l.records[l.size], l)
		if err != nil {
			return err
		}
		l.hashes = append(l.hashes, hashes...)
	}
	for _, tile := range tlog.NewTiles(height, 0, l.size) {
		// The package lists every width that a partial tile has had.
		if now := l.size>>(height*tile.L) - tile.N*width; int64(tile.W) != now && tile.W != width {
			continue
		}
		if err := l.writeTile(tile); err != nil {
			return err
		}
	}
	return l.sign()
}

func (l *ledger) writeTile(tile tlog.Tile) error {
	data, err := tlog.ReadTileData(tile, l)
	if err != nil {
		return err
	}
	if err := l.write(path(tile), data); err != nil || tile.L > 0 {
		return err
	}
	var bundle []byte
	for _, record := range l.records[tile.N*width:][:tile.W] {
		bundle = binary.BigEndian.AppendUint16(bundle, uint16(len(record)))
		bundle = append(bundle, record...)
	}
	tile.L = -1
	return l.write(path(tile), bundle)
}

func (l *ledger) sign() error {
	root, err := tlog.TreeHash(l.size, l)
	if err != nil {
		return err
	}
	text := string(tlog.FormatTree(tlog.Tree{N: l.size, Hash: root}))
	text = l.signer.Name() + "\n" + strings.TrimPrefix(text, theirOrigin)
	if l.head, err = note.Sign(&note.Note{Text: text}, l.signer); err != nil {
		return err
	}
	if err := l.write(fmt.Sprintf("checkpoints/%d.note", l.size), l.head); err != nil {
		return err
	}
	return l.write("checkpoint", l.head)
}

// receipts writes the receipt of every record, c2sp.org/tlog-proof.
func (l *ledger) receipts() error {
	for seq := int64(0); seq < l.size; seq++ {
		proof, err := tlog.ProveRecord(l.size, seq, l)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("c2sp.org/tlog-proof@v1\nindex %d\n", seq)
		for _, hash := range proof {
			text += hash.String() + "\n"
		}
		if err := l.write(fmt.Sprintf("receipts/%d.tlog-proof", seq), []byte(text+"\n"+string(l.head))); err != nil {
			return err
		}
	}
	return nil
}

func (l *ledger) write(name string, data []byte) error {
	file := filepath.Join(l.folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// path is where c2sp.org/tlog-tiles has a tile. The package's own paths name the height, and call records data.
func path(tile tlog.Tile) string {
	place := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(place, "data/", "entries/", 1)
}
