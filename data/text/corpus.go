package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Corpus is documents that have been read once, and none is damaged. The digest of their content identifies them.
type Corpus struct {
	files  Files
	fields []string
	digest string
	notes  []string
}

// NewCorpus reads all documents of files. The fields are those of [NewReader]. A damaged file or line is an error that names it. A document
// without text is skipped with a note, unless no line of its file has text. The cost is a pass over the data: it is hashed, and JSON
// is parsed.
func NewCorpus(files Files, fields ...string) (*Corpus, error) {
	if len(files.Names) == 0 {
		return nil, errors.New("text: no files to read; name some, or folders by List")
	}
	c := &Corpus{files: files, fields: orText(fields)}
	sum, documents := sha256.New(), 0
	var empty []string
	for _, name := range files.Names {
		n, err := c.scan(name, sum)
		if err != nil {
			return nil, err
		}
		if documents += n; n == 0 {
			empty = append(empty, name)
		}
	}
	switch {
	case documents == 0:
		return nil, fmt.Errorf("text: no document has any text: found %s, without a byte", counted(empty, "file"))
	case len(empty) > 0:
		c.notes = append(c.notes, "passed over "+counted(empty, "file")+": without a byte")
	}
	c.digest = hex.EncodeToString(sum.Sum(nil))
	return c, nil
}

// Notes are about skipped documents, and about files that may have been read in the wrong format.
func (c *Corpus) Notes() []string { return c.notes }

// size is the number of files.
func (c *Corpus) size() int { return len(c.files.Names) }

// scan reads a file, adds its digest to sum and counts its documents.
func (c *Corpus) scan(name string, sum hash.Hash) (documents int, err error) {
	f, err := c.files.open(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	own := sha256.New()
	if f.lines {
		documents, err = c.scanLines(name, f, own)
	} else {
		documents, err = c.scanWhole(name, f, own)
	}
	fmt.Fprintf(sum, "%v %x\n", f.lines, own.Sum(nil)) // a hash takes everything
	return documents, err
}

func (c *Corpus) scanWhole(name string, f *file, sum hash.Hash) (documents int, err error) {
	n, err := io.Copy(sum, f.in)
	if err != nil {
		return 0, fmt.Errorf("text: %s: %w", name, err)
	}
	if extension(name) == ".json" {
		c.notes = append(c.notes, name+" is read as plain text: its first line is no JSON object")
	}
	return int(min(n, 1)), nil
}

func (c *Corpus) scanLines(name string, f *file, sum hash.Hash) (documents int, err error) {
	var first error // about a line without text
	without := 0
	var line, body []byte
	for number := 1; ; number++ {
		line, err = readLine(f.in, line)
		if err != nil && err != io.EOF {
			return 0, lineError(name, number, err)
		}
		sum.Write(line)
		if len(bytes.TrimSpace(line)) > 0 {
			var problem error
			switch body, problem = extract(body[:0], line, c.fields); {
			case problem == nil:
				documents++
			case !errors.Is(problem, errNoText):
				return 0, lineError(name, number, problem)
			default:
				without++
				if first == nil {
					first = lineError(name, number, problem)
				}
			}
		}
		if err == io.EOF {
			break
		}
	}
	switch {
	case first != nil && documents == 0:
		return 0, first
	case first != nil:
		c.notes = append(c.notes, fmt.Sprintf("passed over %d of %d documents: without text; the first: %v",
			without, without+documents, first))
	}
	return documents, nil
}

func lineError(name string, line int, err error) error {
	return fmt.Errorf("text: %s: line %d: %w", name, line, err)
}
