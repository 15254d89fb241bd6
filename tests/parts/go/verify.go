// Command verify checks a ledger, or what was exported of one, with the packages that the Go toolchain itself
// trusts for its checksum database: golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog.
//
//	verify LOG NOTE PROOFS
//
// LOG is the file, which may end in room for more, NOTE a checkpoint of the log as a signed note, and PROOFS a
// JSON object of proofs that were made elsewhere.
package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// hashes are what tlog stores of a tree, by its own index.
type hashes map[int64]tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, index := range indexes {
		hash, ok := h[index]
		if !ok {
			return nil, fmt.Errorf("hash %d is in a gap", index)
		}
		found = append(found, hash)
	}
	return found, nil
}

// add puts the root of a perfect subtree at its place, and those that it completes.
func (h hashes) add(level int, n int64, hash tlog.Hash) {
	h[tlog.StoredHashIndex(level, n)] = hash
	for n%2 == 1 {
		left, ok := h[tlog.StoredHashIndex(level, n-1)]
		if !ok {
			return
		}
		hash = tlog.NodeHash(left, hash)
		level, n = level+1, n/2
		h[tlog.StoredHashIndex(level, n)] = hash
	}
}

// log is what stands in the file.
type log struct {
	verifiers note.Verifiers
	name      string
	stored    hashes
	records   map[int64]tlog.Hash
	size      int64
}

type proofs struct {
	Inclusion []struct {
		Index, Size int64
		Path        []string
	} `json:"inclusion"`
	Consistency []struct {
		OldSize int64 `json:"old_size"`
		NewSize int64 `json:"new_size"`
		Path    []string
	} `json:"consistency"`
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file, checkpoint, proved string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	l, err := begin(lines[0])
	if err != nil {
		return err
	}
	for number, line := range lines[1:] {
		if err := l.line(strings.Split(line, "\t")); err != nil {
			return fmt.Errorf("line %d: %w", number+2, err)
		}
	}
	signed, err := os.ReadFile(checkpoint)
	if err != nil {
		return err
	}
	if err := l.checkpoint(signed); err != nil {
		return fmt.Errorf("the note: %w", err)
	}
	if err := l.prove(proved); err != nil {
		return err
	}
	root, err := l.root(l.size)
	fmt.Println(l.size, "entries", root)
	return err
}

func begin(header string) (*log, error) {
	columns := strings.Split(header, "\t")
	verifier, err := note.NewVerifier(columns[2])
	if err != nil {
		return nil, err
	}
	verifiers := note.VerifierList(verifier)
	return &log{verifiers, verifier.Name(), hashes{}, map[int64]tlog.Hash{}, 0}, nil
}

func (l *log) line(columns []string) error {
	switch columns[0] {
	case "entry":
		hash := tlog.RecordHash([]byte(columns[1]))
		l.records[l.size] = hash
		l.stored.add(0, l.size, hash)
		l.size++
		return nil
	case "gap":
		return l.gap(columns)
	case "checkpoint":
		text := l.name + "\n" + columns[1] + "\n" + columns[2] + "\n"
		return l.checkpoint([]byte(text + "\n— " + l.name + " " + columns[3] + "\n"))
	}
	return fmt.Errorf("%q is no kind of line", columns[0])
}

func (l *log) gap(columns []string) error {
	to, err := strconv.ParseInt(columns[2], 10, 64)
	if err != nil || columns[1] != fmt.Sprint(l.size) {
		return fmt.Errorf("a gap from %s to %s after %d entries", columns[1], columns[2], l.size)
	}
	roots, err := base64.StdEncoding.DecodeString(columns[3])
	if err != nil {
		return err
	}
	for ; l.size < to; roots = roots[tlog.HashSize:] {
		level := 0
		for l.size>>level%2 == 0 && l.size+2<<level <= to {
			level++
		}
		var root tlog.Hash
		copy(root[:], roots)
		l.stored.add(level, l.size>>level, root)
		l.size += 1 << level
	}
	return nil
}

// root is the tree's hash; of an empty tree, which older versions of tlog have none for, that of RFC 6962.
func (l *log) root(size int64) (tlog.Hash, error) {
	if size == 0 {
		return sha256.Sum256(nil), nil
	}
	return tlog.TreeHash(size, l.stored)
}

// checkpoint opens a signed note and compares what it says with the tree of that size.
func (l *log) checkpoint(signed []byte) error {
	opened, err := note.Open(signed, l.verifiers)
	if err != nil {
		return err
	}
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size > l.size || lines[0] != l.name {
		return fmt.Errorf("%q after %d entries of %s", lines[:2], l.size, l.name)
	}
	root, err := l.root(size)
	if err != nil {
		return err
	}
	if root.String() != lines[2] {
		return fmt.Errorf("the first %d entries have the root %v, and %s was signed", size, root, lines[2])
	}
	return nil
}

// prove checks proofs that were made elsewhere against the roots of this tree, and that tlog makes the same.
func (l *log) prove(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var proofs proofs
	if err := json.Unmarshal(text, &proofs); err != nil {
		return err
	}
	for _, proof := range proofs.Inclusion {
		path, err := path(proof.Path)
		if err != nil {
			return err
		}
		root, err := tlog.TreeHash(proof.Size, l.stored)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(path, proof.Size, root, proof.Index, l.records[proof.Index]); err != nil {
			return fmt.Errorf("entry %d of %d: %w", proof.Index, proof.Size, err)
		}
		own, err := tlog.ProveRecord(proof.Size, proof.Index, l.stored)
		if err != nil || fmt.Sprint(own) != fmt.Sprint(path) {
			return fmt.Errorf("entry %d of %d: tlog proves it by %v (%v)", proof.Index, proof.Size, own, err)
		}
	}
	for _, proof := range proofs.Consistency {
		path, err := path(proof.Path)
		if err != nil {
			return err
		}
		before, err := tlog.TreeHash(proof.OldSize, l.stored)
		if err != nil {
			return err
		}
		after, err := tlog.TreeHash(proof.NewSize, l.stored)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(path, proof.NewSize, after, proof.OldSize, before); err != nil {
			return fmt.Errorf("from %d to %d entries: %w", proof.OldSize, proof.NewSize, err)
		}
	}
	fmt.Println(len(proofs.Inclusion), "inclusions", len(proofs.Consistency), "consistencies")
	return nil
}

func path(texts []string) ([]tlog.Hash, error) {
	path := []tlog.Hash{}
	for _, text := range texts {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return nil, err
		}
		path = append(path, hash)
	}
	return path, nil
}
