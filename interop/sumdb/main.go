// Command sumdb lets the packages golang.org/x/mod/sumdb/note and golang.org/x/mod/sumdb/tlog judge what indelible makes.
//
//	sumdb judge CASES ANSWERS      one JSON object a line in, one answer a line out
//	sumdb make SEED COUNT          notes and trees made here, one JSON object a line, for indelible to read
//	sumdb log DIR VKEY [OLDER]     a log served as tiles: the note, every tile, every entry, proofs; OLDER is an earlier checkpoint
//
// It knows nothing of what answers are expected: cargo xtask test go compares.
package main

import (
	"bufio"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

func main() {
	err := errors.New("usage: sumdb judge CASES ANSWERS | make SEED COUNT | log DIR VKEY [OLDER]")
	if len(os.Args) >= 4 {
		switch os.Args[1] {
		case "judge":
			err = judge(os.Args[2], os.Args[3])
		case "make":
			err = makeAll(os.Args[2], os.Args[3])
		case "log":
			err = checkLog(os.Args[2], os.Args[3], os.Args[4:])
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "sumdb:", err)
		os.Exit(1)
	}
}

// Case is what is to be judged; Kind says which of the other members count.
type Case struct {
	Kind  string   `json:"kind"`
	Note  []byte   `json:"note"`
	Vkey  string   `json:"vkey"`
	Path  string   `json:"path"`
	Index int64    `json:"index"`
	Old   int64    `json:"old"`
	Size  int64    `json:"size"`
	Leaf  string   `json:"leaf"`
	From  string   `json:"from"`
	Root  string   `json:"root"`
	Proof []string `json:"proof"`
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
	case "note":
		return judgeNote(c.Note, c.Vkey), nil
	case "vkey":
		return word(keyError(c.Vkey)), nil
	case "path":
		return judgePath(c.Path), nil
	case "inclusion":
		leaf, root, proof, err := c.hashes(c.Leaf)
		return word(tlog.CheckRecord(proof, c.Size, root, c.Index, leaf)), err
	case "consistency":
		from, root, proof, err := c.hashes(c.From)
		return word(tlog.CheckTree(proof, c.Size, root, c.Old, from)), err
	}
	return "", fmt.Errorf("no such kind: %q", c.Kind)
}

func word(err error) string {
	if err != nil {
		return "refused"
	}
	return "ok"
}

func keyError(vkey string) error {
	_, err := note.NewVerifier(vkey)
	return err
}

func judgeNote(msg []byte, vkey string) string {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "vkey refused"
	}
	_, err = note.Open(msg, note.VerifierList(verifier))
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &unverified):
		return "no line"
	case errors.As(err, &invalid):
		return "invalid"
	}
	return "malformed"
}

// judgePath puts the height in that Go's paths have and C2SP's have not.
func judgePath(path string) string {
	rest, ok := strings.CutPrefix(path, "tile/entries/")
	if ok {
		rest = "data/" + rest
	} else if rest, ok = strings.CutPrefix(path, "tile/"); !ok || strings.HasPrefix(rest, "data/") {
		return "invalid"
	}
	tile, err := tlog.ParseTilePath("tile/8/" + rest)
	if err != nil {
		return "invalid"
	}
	return fmt.Sprintf("%d %d %d", tile.L, tile.N, tile.W)
}

func (c *Case) hashes(first string) (one, root tlog.Hash, proof []tlog.Hash, err error) {
	read := func(text string) (hash tlog.Hash) {
		bytes, decodeError := hex.DecodeString(text)
		if decodeError != nil || len(bytes) != tlog.HashSize {
			err = fmt.Errorf("no hash: %q", text)
		}
		copy(hash[:], bytes)
		return hash
	}
	for _, text := range c.Proof {
		proof = append(proof, read(text))
	}
	return read(first), read(c.Root), proof, err
}

// Made is what this program makes for others to read.
type Made struct {
	Kind        string        `json:"kind"`
	Note        []byte        `json:"note,omitempty"`
	Vkeys       []string      `json:"vkeys,omitempty"`
	Size        int64         `json:"size"`
	Root        string        `json:"root"`
	Entries     []string      `json:"entries,omitempty"`
	Inclusion   []Inclusion   `json:"inclusion,omitempty"`
	Consistency []Consistency `json:"consistency,omitempty"`
	Tiles       []TileMade    `json:"tiles,omitempty"`
}

type Inclusion struct {
	Index int64    `json:"index"`
	Proof []string `json:"proof"`
}

type Consistency struct {
	Old   int64    `json:"old"`
	Root  string   `json:"root"`
	Proof []string `json:"proof"`
}

type TileMade struct {
	Path  string `json:"path"`
	Bytes []byte `json:"bytes"`
}

func makeAll(seedText, countText string) error {
	seed, err := strconv.ParseUint(seedText, 10, 64)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(countText)
	if err != nil {
		return err
	}
	var chacha [32]byte
	binary.LittleEndian.PutUint64(chacha[:], seed)
	random := rand.New(rand.NewChaCha8(chacha))
	out := bufio.NewWriter(os.Stdout)
	encoder := json.NewEncoder(out)
	for i := 0; i < count; i++ {
		made, err := makeNote(random)
		if i%20 == 0 && err == nil {
			if err := encoder.Encode(made); err != nil {
				return err
			}
			made, err = makeTree(random)
		}
		if err != nil {
			return err
		}
		if err := encoder.Encode(made); err != nil {
			return err
		}
	}
	return out.Flush()
}

func randomBytes(random *rand.Rand, n int) []byte {
	bytes := make([]byte, n)
	for i := range bytes {
		bytes[i] = byte(random.UintN(256))
	}
	return bytes
}

// makeNote signs a checkpoint with the key of its origin and, sometimes, those of others.
func makeNote(random *rand.Rand) (*Made, error) {
	origin := fmt.Sprintf("log%d.example.org/payments/%016x", random.UintN(1000), random.Uint64())
	names := []string{origin, "witness.example.net", "bücher.example/w-1"}[:1+random.UintN(3)]
	random.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	made := &Made{Kind: "note", Size: random.Int64N(1<<random.UintN(53)) + 1}
	root := randomBytes(random, tlog.HashSize)
	made.Root = hex.EncodeToString(root)
	text := fmt.Sprintf("%s\n%d\n%s\n", origin, made.Size, base64.StdEncoding.EncodeToString(root))
	var signers []note.Signer
	for _, name := range names {
		private := ed25519.NewKeyFromSeed(randomBytes(random, ed25519.SeedSize))
		vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
		if err != nil {
			return nil, err
		}
		hash := strings.Split(vkey, "+")[1]
		secret := base64.StdEncoding.EncodeToString(append([]byte{1}, private.Seed()...))
		signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", name, hash, secret))
		if err != nil {
			return nil, err
		}
		signers, made.Vkeys = append(signers, signer), append(made.Vkeys, vkey)
	}
	signed, err := note.Sign(&note.Note{Text: text}, signers...)
	made.Note = signed
	return made, err
}

// memory holds all stored hashes of a tree.
type memory []tlog.Hash

func (m memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		if index >= int64(len(m)) {
			return nil, fmt.Errorf("no hash %d", index)
		}
		hashes[i] = m[index]
	}
	return hashes, nil
}

func makeTree(random *rand.Rand) (*Made, error) {
	made := &Made{Kind: "tree", Size: random.Int64N(1200) + 1}
	var stored memory
	for n := int64(0); n < made.Size; n++ {
		entry := randomBytes(random, 32)
		hashes, err := tlog.StoredHashes(n, entry, stored)
		if err != nil {
			return nil, err
		}
		stored = append(stored, hashes...)
		made.Entries = append(made.Entries, hex.EncodeToString(entry))
	}
	root, err := tlog.TreeHash(made.Size, stored)
	if err != nil {
		return nil, err
	}
	made.Root = hex.EncodeToString(root[:])
	for i := 0; i < 20; i++ {
		index, old := random.Int64N(made.Size), random.Int64N(made.Size)+1
		proof, err := tlog.ProveRecord(made.Size, index, stored)
		if err != nil {
			return nil, err
		}
		made.Inclusion = append(made.Inclusion, Inclusion{index, texts(proof)})
		older, err := tlog.TreeHash(old, stored)
		if err != nil {
			return nil, err
		}
		tree, err := tlog.ProveTree(made.Size, old, stored)
		if err != nil {
			return nil, err
		}
		made.Consistency = append(made.Consistency, Consistency{old, hex.EncodeToString(older[:]), texts(tree)})
	}
	for _, tile := range tlog.NewTiles(height, 0, made.Size) {
		bytes, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return nil, err
		}
		made.Tiles = append(made.Tiles, TileMade{strings.Replace(tile.Path(), "tile/8/", "tile/", 1), bytes})
	}
	return made, nil
}

func texts(hashes []tlog.Hash) []string {
	texts := []string{}
	for _, hash := range hashes {
		texts = append(texts, hex.EncodeToString(hash[:]))
	}
	return texts
}

// directory reads tiles where C2SP has them.
type directory string

func (d directory) Height() int                     { return height }
func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}
func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		path := "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
		if tile.L == -1 {
			path = "tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/data/")
		}
		bytes, err := os.ReadFile(filepath.Join(string(d), path))
		if err != nil {
			return nil, err
		}
		all = append(all, bytes)
	}
	return all, nil
}

func checkLog(dir, vkey string, older []string) error {
	tree, err := checkpoint(filepath.Join(dir, "checkpoint"), vkey)
	if err != nil {
		return err
	}
	// Whatever this reader gives was hashed up to the root.
	reader := tlog.TileHashReader(tree, directory(dir))
	tiles := tlog.NewTiles(height, 0, tree.N)
	if err := checkTiles(dir, tiles, reader); err != nil {
		return err
	}
	if err := checkEntries(dir, tree, reader); err != nil {
		return err
	}
	for _, path := range older {
		before, err := checkpoint(path, vkey)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(tree.N, before.N, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			return fmt.Errorf("%s: %v", path, err)
		}
	}
	fmt.Printf("sumdb verified %d entries, %d tiles, %d earlier checkpoints\n", tree.N, len(tiles), len(older))
	return nil
}

// checkpoint opens the note and reads its three lines; the origin must be the key's name.
func checkpoint(path, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	msg, err := os.ReadFile(path)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %v", path, err)
	}
	// tlog reads a tree of the one origin it was written for.
	text, ok := strings.CutPrefix(opened.Text, verifier.Name()+"\n")
	if !ok {
		return tlog.Tree{}, fmt.Errorf("%s: another origin", path)
	}
	return tlog.ParseTree([]byte("go.sum database tree\n" + text))
}

// checkTiles reads every tile there is and compares it with what the root vouches for.
func checkTiles(dir string, tiles []tlog.Tile, reader tlog.HashReader) error {
	data, err := directory(dir).ReadTiles(tiles)
	if err != nil {
		return err
	}
	for i, tile := range tiles {
		proven, err := tlog.ReadTileData(tile, reader)
		if err != nil {
			return fmt.Errorf("%s: %v", tile.Path(), err)
		}
		if string(proven) != string(data[i]) {
			return fmt.Errorf("%s differs", tile.Path())
		}
	}
	return nil
}

// checkEntries reads every bundle; each entry's hash must stand in the tree, and for some an inclusion proof is made and checked.
func checkEntries(dir string, tree tlog.Tree, reader tlog.HashReader) error {
	for first := int64(0); first < tree.N; first += 1 << height {
		tile := tlog.Tile{H: height, L: -1, N: first >> height, W: int(min(tree.N-first, 1<<height))}
		data, err := directory(dir).ReadTiles([]tlog.Tile{tile})
		if err != nil {
			return err
		}
		bundle := data[0]
		leaves := tile
		leaves.L = 0
		proven, err := tlog.ReadTileData(leaves, reader)
		if err != nil {
			return err
		}
		for i := 0; i < tile.W; i++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return fmt.Errorf("%s ends early", tile.Path())
			}
			entry := bundle[2 : 2+binary.BigEndian.Uint16(bundle)]
			bundle = bundle[2+len(entry):]
			hash := tlog.RecordHash(entry)
			if string(hash[:]) != string(proven[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				return fmt.Errorf("%s: entry %d differs", tile.Path(), first+int64(i))
			}
			if i%100 == 0 {
				proof, err := tlog.ProveRecord(tree.N, first+int64(i), reader)
				if err != nil {
					return err
				}
				if err := tlog.CheckRecord(proof, tree.N, tree.Hash, first+int64(i), hash); err != nil {
					return err
				}
			}
		}
		if len(bundle) != 0 {
			return fmt.Errorf("%s goes on", tile.Path())
		}
	}
	return nil
}
