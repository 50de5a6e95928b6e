package text

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Position is where a document begins.
type Position struct {
	File   int   `json:"file"`   // its place in the list
	Offset int64 `json:"offset"` // bytes before it in the file, once unpacked
	Line   int   `json:"line"`   // its line, from 1; 0 for a file that is one document
}

// Document is one document, to be read once from front to back and closed.
type Document struct {
	Name string   // of its file
	At   Position // where it begins
	body io.Reader
	file fs.File // nil once the text is in memory
}

// Read reads the text of d.
func (d *Document) Read(p []byte) (int, error) {
	n, err := d.body.Read(p)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("text: %s: %w", d.Name, err)
	}
	return n, err
}

// Close frees what d holds open.
func (d *Document) Close() error {
	if d.file == nil {
		return nil
	}
	return d.file.Close()
}

// Reader opens one document after the other. Each has a file of its own, so several can be read at the same time.
type Reader struct {
	files  Files
	fields []string

	next    Position
	file    *file // of JSON lines, being read
	skipped int
}

// maxLine is the largest number of bytes in a line of JSON, which is read into memory. A book is a megabyte.
const maxLine = 64 << 20

// NewReader reads files. The fields are the paths of the text in JSON lines, and nil is "text". A path is field names joined by dots;
// arrays have no names. Papers with their abstracts, for example, are "title", "abstract", "sections". Documents without text are skipped;
// [Reader.Skipped] and a [Corpus] count them.
func NewReader(files Files, fields ...string) *Reader {
	return &Reader{files: files, fields: orText(fields)}
}

// Seek moves to the position of a document of Next, or to the zero Position.
func (r *Reader) Seek(to Position) {
	r.Close()
	r.next = to
}

// Position is the position from which Next searches.
func (r *Reader) Position() Position { return r.next }

// Skipped is the number of lines without text that Next has passed over. A line of white space alone is none.
func (r *Reader) Skipped() int { return r.skipped }

// Close closes the file that is being read.
func (r *Reader) Close() error {
	if r.file == nil {
		return nil
	}
	err := r.file.Close()
	r.file = nil
	return err
}

// Next opens the next document. It returns io.EOF after the last.
func (r *Reader) Next() (*Document, error) {
	for r.next.File < len(r.files.Names) {
		name := r.files.Names[r.next.File]
		d, err := r.nextOf(name)
		if err != io.EOF {
			return d, err
		}
		r.Close()
		r.next = Position{File: r.next.File + 1}
	}
	return nil, io.EOF
}

// nextOf opens the next document of a file. It returns io.EOF after the last.
func (r *Reader) nextOf(name string) (*Document, error) {
	if r.file != nil {
		return r.nextLine(name)
	}
	f, err := r.files.openAt(name, r.next.Offset)
	if err != nil {
		return nil, err
	}
	if f.lines || r.next.Line > 0 {
		r.file, r.next.Line = f, max(r.next.Line, 1)
		return r.nextLine(name)
	}
	if _, err := f.in.Peek(1); err != nil {
		f.Close()
		if err != io.EOF {
			err = fmt.Errorf("text: %s: %w", name, err)
		}
		return nil, err
	}
	at := r.next
	r.next = Position{File: at.File + 1}
	return &Document{Name: name, At: at, body: f.in, file: f}, nil
}

// nextLine returns the next line with text, or io.EOF.
func (r *Reader) nextLine(name string) (*Document, error) {
	for {
		at := r.next
		line, err := readLine(r.file.in, nil)
		if err != nil && (err != io.EOF || len(line) == 0) {
			if err != io.EOF {
				err = lineError(name, at.Line, err)
			}
			return nil, err
		}
		r.next.Offset += int64(len(line))
		r.next.Line++
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		body, err := extract(nil, line, r.fields)
		if errors.Is(err, errNoText) {
			r.skipped++
			continue
		}
		if err != nil {
			return nil, lineError(name, at.Line, err)
		}
		return &Document{Name: name, At: at, body: bytes.NewReader(body)}, nil
	}
}

// readLine reads through the next line end into line, or to the end of the file, and then also returns io.EOF.
func readLine(in *bufio.Reader, line []byte) ([]byte, error) {
	line = line[:0]
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("the line is longer than %d MiB; expected one JSON object a line", maxLine>>20)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// openAt opens a file, offset unpacked bytes from its beginning.
func (f Files) openAt(name string, offset int64) (*file, error) {
	opened, err := f.open(name)
	if err != nil || offset == 0 {
		return opened, err
	}
	n, err := io.CopyN(io.Discard, opened.in, offset)
	if err == nil {
		return opened, nil
	}
	opened.Close()
	if err == io.EOF {
		err = fmt.Errorf("the file has %d bytes, but the saved position is at byte %d: the file is another one", n, offset)
	}
	return nil, fmt.Errorf("text: %s: %w", name, err)
}
