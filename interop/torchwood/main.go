// Command torchwood lets the package filippo.io/torchwood judge what indelible makes: C2SP tlog-proofs, policies, checkpoints, tiles.
//
//	torchwood judge CASES ANSWERS    one JSON object a line in, one answer a line out
//	torchwood log DIR VKEY           a log served as tiles, every entry of it
//
// It knows nothing of what answers are expected: cargo xtask test go compares.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	err := errors.New("usage: torchwood judge CASES ANSWERS | log DIR VKEY")
	if len(os.Args) == 4 {
		switch os.Args[1] {
		case "judge":
			err = judge(os.Args[2], os.Args[3])
		case "log":
			err = checkLog(os.Args[2], os.Args[3])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "torchwood:", err)
		os.Exit(1)
	}
}

// Case is what is to be judged; Kind says which of the other members count.
type Case struct {
	Kind      string   `json:"kind"`
	Receipt   []byte   `json:"receipt"`
	Policy    []byte   `json:"policy"`
	Log       string   `json:"log"`
	Witnesses []string `json:"witnesses"`
	Text      []byte   `json:"text"`
	Note      []byte   `json:"note"`
	Path      string   `json:"path"`
	Bundle    []byte   `json:"bundle"`
	Extra     []byte   `json:"extra"`
	Index     int64    `json:"index"`
	Proof     []string `json:"proof"`
}

func judge(cases, answers string) error {
	in, err := os.Open(cases)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(answers)
	if err != nil {
		return err
	}
	defer out.Close()
	decoder, encoder := json.NewDecoder(bufio.NewReader(in)), json.NewEncoder(out)
	for {
		var c Case
		if err := decoder.Decode(&c); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		answer, err := c.answer()
		if err != nil {
			return err
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
}

func (c *Case) answer() (string, error) {
	switch c.Kind {
	case "receipt":
		return judgeReceipt(c.Receipt, c.Policy), nil
	case "policy":
		return judgePolicy(c.Policy, c.Log, c.Witnesses)
	case "checkpoint":
		return judgeCheckpoint(string(c.Text)), nil
	case "path":
		return judgePath(c.Path), nil
	case "bundle":
		return judgeBundle(c.Bundle), nil
	case "format":
		return c.format()
	}
	return "", fmt.Errorf("no such kind: %q", c.Kind)
}

// judgeReceipt takes the leaf from the head in the extra line, as docs/spec/receipt.md says.
func judgeReceipt(receipt, policyText []byte) string {
	policy, err := torchwood.ParsePolicy(policyText)
	if err != nil {
		return "policy refused"
	}
	head, err := torchwood.ProofExtraData(receipt)
	if err != nil {
		return "refused"
	}
	entry := sha256.Sum256(head)
	if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry[:]), receipt); err != nil {
		return "refused"
	}
	return "ok"
}

// judgePolicy reads a policy and says which sets of witnesses meet it, beside a signature of the log, where it names one.
func judgePolicy(text []byte, log string, witnesses []string) (string, error) {
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return "refused", nil
	}
	if len(witnesses) > 8 {
		return "", fmt.Errorf("%d witnesses", len(witnesses))
	}
	origin, _, _ := strings.Cut(log, "+")
	met := []string{}
	for set := 0; set < 1<<len(witnesses); set++ {
		var signed []note.Signature
		var members []string
		for number, vkey := range append(witnesses, log) {
			isLog := number == len(witnesses)
			if vkey == "" || !isLog && set>>number&1 == 0 {
				continue
			}
			signature, err := signatureOf(vkey)
			if err != nil {
				return "", err
			}
			signed = append(signed, signature)
			if !isLog {
				members = append(members, strconv.Itoa(number))
			}
		}
		if policy.Check(origin, signed) == nil {
			met = append(met, "{"+strings.Join(members, "+")+"}")
		}
	}
	if len(met) == 0 {
		return "never met", nil
	}
	return strings.Join(met, " "), nil
}

// signatureOf is what a policy looks at once a signature by this key was verified.
func signatureOf(vkey string) (note.Signature, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return note.Signature{}, fmt.Errorf("no vkey: %q", vkey)
	}
	hash, err := strconv.ParseUint(parts[1], 16, 32)
	return note.Signature{Name: parts[0], Hash: uint32(hash)}, err
}

func judgeCheckpoint(text string) string {
	read, err := torchwood.ParseCheckpoint(text)
	if err != nil {
		return "malformed"
	}
	return fmt.Sprintf("%s %d %s %q", read.Origin, read.N, hex.EncodeToString(read.Hash[:]), read.Extension)
}

func judgePath(path string) string {
	tile, err := torchwood.ParseTilePath(path)
	if err != nil {
		return "invalid"
	}
	return fmt.Sprintf("%d %d %d", tile.L, tile.N, tile.W)
}

func judgeBundle(bundle []byte) string {
	var entries []string
	for len(bundle) > 0 {
		entry, rest, err := torchwood.ReadTileEntry(bundle)
		if err != nil {
			return "refused"
		}
		entries, bundle = append(entries, hex.EncodeToString(entry)), rest
	}
	return strings.Join(entries, " ")
}

// format writes a proof from its parts, as hex.
func (c *Case) format() (string, error) {
	var proof tlog.RecordProof
	for _, text := range c.Proof {
		bytes, err := hex.DecodeString(text)
		if err != nil || len(bytes) != tlog.HashSize {
			return "", fmt.Errorf("no hash: %q", text)
		}
		proof = append(proof, tlog.Hash(bytes))
	}
	return hex.EncodeToString(torchwood.FormatProofWithExtraData(c.Index, c.Extra, proof, c.Note)), nil
}

func checkLog(dir, vkey string) error {
	policy, err := torchwood.ParsePolicy([]byte("log " + vkey + "\nquorum none\n"))
	if err != nil {
		return err
	}
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return err
	}
	files, err := torchwood.NewTileFS(os.DirFS(dir))
	if err != nil {
		return err
	}
	client, err := torchwood.NewClient(files)
	if err != nil {
		return err
	}
	ctx, next := context.Background(), int64(0)
	for index, entry := range client.AllEntries(ctx, checkpoint.Tree, 0) {
		if index != next || len(entry) != sha256.Size {
			return fmt.Errorf("entry %d: %d bytes, due is %d", index, len(entry), next)
		}
		next++
	}
	if err := client.Err(); err != nil {
		return err
	}
	if next != checkpoint.N {
		return fmt.Errorf("%d entries of %d", next, checkpoint.N)
	}
	last, proof, err := client.Entry(ctx, checkpoint.Tree, checkpoint.N-1)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(proof, checkpoint.N, checkpoint.Hash, checkpoint.N-1, tlog.RecordHash(bytes.Clone(last))); err != nil {
		return err
	}
	fmt.Printf("torchwood verified %d entries\n", next)
	return nil
}
