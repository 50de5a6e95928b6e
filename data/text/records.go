package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
)

// Records is JSON lines with random access: examples of several fields, such as a text and its label. A line of a plain file is read by At,
// and its place takes 24 bytes of memory. A gzip file cannot be read from the middle, so its unpacked lines
// are in memory.
type Records struct {
	files    Files
	inMemory []bool   // by file: its lines are in slabs
	slabs    [][]byte // lines in memory
	bytes    int64    // of slabs
	lines    []recordLine
	digest   string
}

// recordLine is the place of a line.
type recordLine struct {
	offset       int64 // in its file; of a line in memory: its slab << 32 | its offset there
	file, line   int32 // line counts from 1
	length, sign int32 // bytes, and the first bytes of its hash
}

const (
	lineBytes = 24      // the size of a recordLine
	slabBytes = 1 << 20 // the size of a slab, unless a line is longer
	garbage   = 2       // the garbage collector lets the heap grow to this factor of its live bytes, as in package plan
)

// Record is a line of JSON: an object.
type Record struct {
	Name string // of its file
	At   Position
	line []byte
}

// NewRecord is a line that was read elsewhere, such as from standard input. The name and the number of the line are those of errors.
func NewRecord(name string, number int, line []byte) Record {
	return Record{Name: name, At: Position{Line: number}, line: line}
}

// NewRecords finds the lines of files, which must be JSON lines, and shows each to visit, in order. A record is valid until visit returns,
// and an error of visit ends the reading. If the process would take more than limit bytes for the records, garbage included, it returns a
// *memory.Error before more is read; 0 is no limit.
func NewRecords(files Files, limit int64, visit func(Record) error) (*Records, error) {
	r := &Records{files: files, inMemory: make([]bool, len(files.Names))}
	sum := sha256.New()
	for i, name := range files.Names {
		before := len(r.lines)
		if err := r.scan(i, sum, limit, visit); err != nil {
			return nil, err
		}
		if len(r.lines) == before {
			return nil, fmt.Errorf("text: %s: the file is empty; expected a JSON object a line", name)
		}
	}
	r.digest = hex.EncodeToString(sum.Sum(nil))
	return r, nil
}

// scan finds the lines of a file.
func (r *Records) scan(number int, sum io.Writer, limit int64, visit func(Record) error) error {
	name := r.files.Names[number]
	f, err := r.files.open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if !f.lines {
		return fmt.Errorf("text: %s: examples with fields are JSON lines; "+
			"name files that end in .jsonl or .ndjson (or these with .gz)", name)
	}
	_, onDisk := f.File.(*os.File)
	r.inMemory[number] = f.packed || !onDisk
	at, line := Position{File: number, Line: 1}, []byte(nil)
	for ended := false; !ended; at.Line++ {
		line, err = readLine(f.in, line)
		if err != nil && err != io.EOF {
			return lineError(name, at.Line, err)
		}
		ended = err == io.EOF
		if len(bytes.TrimSpace(line)) > 0 {
			sum.Write(line) // a hash takes everything
			r.add(at, line)
			if need := garbage * r.Bytes(); limit > 0 && need > limit {
				return r.tooLarge(number, need, limit)
			}
			if err := visit(Record{name, at, line}); err != nil {
				return err
			}
		}
		at.Offset += int64(len(line))
	}
	return nil
}

// add appends a line, and copies it where its file cannot be read from the middle.
func (r *Records) add(at Position, line []byte) {
	offset := at.Offset
	if r.inMemory[at.File] {
		last := len(r.slabs) - 1
		if last < 0 || cap(r.slabs[last])-len(r.slabs[last]) < len(line) {
			slab := make([]byte, 0, max(slabBytes, len(line)))
			r.slabs, r.bytes, last = append(r.slabs, slab), r.bytes+int64(cap(slab)), last+1
		}
		offset = int64(last)<<32 | int64(len(r.slabs[last]))
		r.slabs[last] = append(r.slabs[last], line...)
	}
	r.lines = append(r.lines, recordLine{offset, int32(at.File), int32(at.Line), int32(len(line)), signOf(line)})
}

// tooLarge is the error of records that exceed the limit.
func (r *Records) tooLarge(number int, need, limit int64) error {
	name := r.files.Names[number]
	e := &memory.Error{What: "the index of the lines up to " + name, Need: need, Available: limit, Advice: "name fewer files"}
	if r.inMemory[number] {
		e.What = "the unpacked text of " + name + ", as far as it was read, with room for the garbage collector,"
		e.Advice = "unpack the file: lines of plain files stay on the disk"
	}
	return e
}

// signOf is a part of a line's hash, which detects a change of the file.
func signOf(line []byte) int32 {
	sum := sha256.Sum256(line)
	return int32(sum[0]) | int32(sum[1])<<8 | int32(sum[2])<<16 | int32(sum[3])<<24
}

// Len is the number of records.
func (r *Records) Len() int { return len(r.lines) }

// Bytes is the memory of r.
func (r *Records) Bytes() int64 { return r.bytes + int64(cap(r.lines))*lineBytes }

// Digest is the SHA-256 of all records, in order, in hexadecimal.
func (r *Records) Digest() string { return r.digest }

// At reads record i, 0 … Len−1. It returns an error if its file has changed since NewRecords.
func (r *Records) At(i int) (Record, error) {
	l := r.lines[i]
	record := Record{Name: r.files.Names[l.file], At: Position{File: int(l.file), Line: int(l.line)}}
	if r.inMemory[l.file] {
		from := l.offset & math.MaxUint32
		record.line = r.slabs[l.offset>>32][from : from+int64(l.length)]
		return record, nil
	}
	record.At.Offset = l.offset
	opened, err := r.files.openRaw(record.Name)
	if err != nil {
		return record, fmt.Errorf("text: %w", err)
	}
	defer opened.Close()
	file, ok := opened.(io.ReaderAt)
	if !ok {
		return record, record.Errorf("the file has changed since it was opened: it cannot be read from the middle")
	}
	record.line = make([]byte, l.length)
	if _, err := file.ReadAt(record.line, l.offset); err != nil && err != io.EOF {
		return record, record.Errorf("the file has changed since it was opened: %w", err)
	}
	if signOf(record.line) != l.sign {
		return record, record.Errorf("the file has changed since it was opened; resume with the files that the run began with")
	}
	return record, nil
}

// Errorf is an error about r.
func (r Record) Errorf(format string, args ...any) error {
	return lineError(r.Name, r.At.Line, fmt.Errorf(format, args...))
}

// Text is the text of fields, which are paths as in [NewReader]: each string in the order of the line, joined by line ends.
func (r Record) Text(fields ...string) ([]byte, error) {
	text, err := extract(nil, r.line, orText(fields))
	if err != nil {
		return nil, r.Errorf("%w", err)
	}
	return bytes.TrimSuffix(text, []byte("\n")), nil
}

// Tokens are the tokens of the text of fields behind a prompt, without the special ones around a document.
func (r Record) Tokens(e *data.Encoder, prompt string, fields ...string) ([]int32, error) {
	body, err := r.Text(fields...)
	if err != nil {
		return nil, err
	}
	ids, err := e.Tokens(prompt + string(body))
	if err != nil {
		return nil, r.Errorf("%w", err)
	}
	return ids, nil
}

// Scalar is the string, number or truth value of a field, a path of names joined by dots. isNumber reports a number; its text is that
// of the line.
func (r Record) Scalar(field string) (text string, isNumber bool, err error) {
	value := json.RawMessage(r.line)
	for name := range strings.SplitSeq(field, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			return "", false, r.Errorf("the field %s cannot be read: %w", field, noObject(err))
		}
		found := false
		if value, found = object[name]; !found {
			return "", false, r.Errorf("found no field %s; there are %s", field, namesOf(object))
		}
	}
	switch value[0] {
	case '"':
		err = json.Unmarshal(value, &text)
		return text, false, err
	case 't', 'f':
		return string(value), false, nil
	case '{', '[', 'n':
		return "", false, r.Errorf("the field %s is %.20s; expected a text or a number", field, value)
	}
	return string(value), true, nil
}

// namesOf lists the names of an object, ten at most.
func namesOf(object map[string]json.RawMessage) string {
	const most = 10
	names := slices.Sorted(maps.Keys(object))
	if len(names) > most {
		return fmt.Sprintf("%q and %d more", names[:most], len(names)-most)
	}
	return fmt.Sprintf("%q", names)
}

// noObject is the error where a value is of another kind than an object.
func noObject(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("found a JSON %s; expected an object", kind.Value)
	}
	return err
}
