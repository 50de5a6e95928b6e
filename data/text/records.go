package text

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Records is JSON lines to be read by number: examples of several fields, such as a text and its label. Plain files are read where a
// line is asked for, and only the places of the lines are in memory (24 bytes each); gzip files cannot be read from the middle, and are
// unpacked into memory.
type Records struct {
	files  Files
	packed map[int32][]byte // files that cannot be read from the middle
	lines  []recordLine
	digest string
}

// recordLine is where a line is.
type recordLine struct {
	offset       int64
	file, line   int32 // line counts from 1
	length, sign int32 // bytes, and the first bytes of its hash
}

// lineBytes is the size of a recordLine.
const lineBytes = 24

// Record is a line of JSON: an object.
type Record struct {
	Name string // of its file
	At   Position
	line []byte
}

// NewRecords finds the lines of files, which must be JSON lines, and shows each to visit, in order; an error of visit's ends it.
func NewRecords(files Files, visit func(Record) error) (*Records, error) {
	r := &Records{files: files, packed: map[int32][]byte{}}
	hash := sha256.New()
	for i, name := range files.Names {
		if !isLines(name) {
			return nil, fmt.Errorf("text: %s: examples with fields are JSON lines; name files that end in .jsonl or .ndjson (or these with .gz)", name)
		}
		before := len(r.lines)
		if err := r.scan(int32(i), io.Writer(hash), visit); err != nil {
			return nil, err
		}
		if len(r.lines) == before {
			return nil, fmt.Errorf("text: %s: the file is empty; expected a JSON object a line", name)
		}
	}
	r.digest = hex.EncodeToString(hash.Sum(nil))
	return r, nil
}

// scan finds the lines of a file.
func (r *Records) scan(number int32, hash io.Writer, visit func(Record) error) error {
	name := r.files.Names[number]
	file, in, err := (&Reader{files: r.files}).openAt(name, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	_, plain := file.(*os.File)
	inMemory := !plain || strings.HasSuffix(name, ".gz")
	at := Position{File: int(number), Line: 1}
	for {
		line, err := readLine(in)
		if err != nil && err != io.EOF {
			return fmt.Errorf("text: %s: line %d: %w", name, at.Line, err)
		}
		ended := err == io.EOF
		if inMemory {
			r.packed[number] = append(r.packed[number], line...)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			hash.Write(line) // a hash takes everything
			r.lines = append(r.lines, recordLine{at.Offset, number, int32(at.Line), int32(len(line)), signOf(line)})
			if err := visit(Record{name, at, line}); err != nil {
				return err
			}
		}
		if ended {
			return nil
		}
		at.Offset += int64(len(line))
		at.Line++
	}
}

// signOf is enough of a line's hash to notice that a file has changed.
func signOf(line []byte) int32 {
	sum := sha256.Sum256(line)
	return int32(sum[0]) | int32(sum[1])<<8 | int32(sum[2])<<16 | int32(sum[3])<<24
}

// Len is the number of records.
func (r *Records) Len() int { return len(r.lines) }

// Bytes is the memory that r holds.
func (r *Records) Bytes() int64 {
	n := int64(cap(r.lines)) * lineBytes
	for _, file := range r.packed {
		n += int64(cap(file))
	}
	return n
}

// Digest is the SHA-256 of all records, in order, in hexadecimal.
func (r *Records) Digest() string { return r.digest }

// At reads record i, 0 … Len−1. It returns an error if its file has changed since NewRecords.
func (r *Records) At(i int) (Record, error) {
	l := r.lines[i]
	record := Record{Name: r.files.Names[l.file], At: Position{int(l.file), l.offset, int(l.line)}}
	if memory, ok := r.packed[l.file]; ok {
		record.line = memory[l.offset : l.offset+int64(l.length)]
		return record, nil
	}
	file, err := os.Open(record.Name)
	if err != nil {
		return record, fmt.Errorf("text: %w", err)
	}
	defer file.Close()
	record.line = make([]byte, l.length)
	if _, err := file.ReadAt(record.line, l.offset); err != nil && err != io.EOF || signOf(record.line) != l.sign {
		return record, record.Errorf("the file has changed since it was opened: %v", err)
	}
	return record, nil
}

// Errorf is an error about r.
func (r Record) Errorf(format string, args ...any) error {
	return fmt.Errorf("text: %s: line %d: %w", r.Name, r.At.Line, fmt.Errorf(format, args...))
}

// Text is the text of fields, which are paths as NewReader has them, and by default "text": each string in the order of the line, joined
// by line ends.
func (r Record) Text(fields ...string) ([]byte, error) {
	if len(fields) == 0 {
		fields = []string{"text"}
	}
	text, err := extract(nil, r.line, fields)
	if err != nil {
		return nil, r.Errorf("%w", err)
	}
	return bytes.TrimSuffix(text, []byte("\n")), nil
}

// Scalar is the string, number or truth value of a field, a path of names joined by dots; a number is given as it is written, which
// isNumber says.
func (r Record) Scalar(field string) (text string, isNumber bool, err error) {
	value := json.RawMessage(r.line)
	for name := range strings.SplitSeq(field, ".") {
		var object map[string]json.RawMessage
		if err := json.Unmarshal(value, &object); err != nil {
			return "", false, r.Errorf("the field %s cannot be read: %w", field, noObject(err))
		}
		found := false
		if value, found = object[name]; !found {
			return "", false, r.Errorf("found no field %s", field)
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

// noObject says what was expected where a value is of another kind.
func noObject(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return fmt.Errorf("found a JSON %s; expected an object", kind.Value)
	}
	return err
}
