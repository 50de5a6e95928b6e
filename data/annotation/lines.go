package annotation

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/longspan/longspan/data/internal/gunzip"
)

// MaxLine bounds a line. The longest real ones, of genes of 360 exons, have less than 10 kB.
const MaxLine = 1 << 20

// maxName bounds the names that are kept. Real ones have less than a hundred bytes.
const maxName = 1 << 10

// maxKept bounds the memory that rows and transcripts take, in bytes. The 3.5 million rows of 160,000 transcripts count for about 430 MB.
const maxKept = 2 << 30

// maxPosition is the largest position. The longest chromosomes that are known have 2³¹ bases.
const maxPosition = 1<<31 - 1

// lines reads a text file line by line.
type lines struct {
	file string
	in   *bufio.Reader
	line int    // the last line read, from 1
	text []byte // of that line
	kept int64  // bytes that the caller keeps

	names map[string]string // one copy of each name
}

func newLines(r io.Reader, file string) (*lines, error) {
	in, err := gunzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("annotation: %s: %w", file, err)
	}
	return &lines{file: file, in: bufio.NewReaderSize(in, 1<<16), names: map[string]string{}}, nil
}

// next returns the next line without its end, valid until the call after. The byte order mark of the first is left out.
func (l *lines) next() ([]byte, error) {
	l.text = l.text[:0]
	for {
		part, err := l.in.ReadSlice('\n')
		if len(l.text)+len(part) > MaxLine {
			l.line++
			return nil, l.fail(fmt.Errorf("the line is longer than %d bytes; is this a file of genes?", MaxLine))
		}
		l.text = append(l.text, part...)
		if err == nil || err == io.EOF && len(l.text) > 0 {
			break
		}
		if err == io.EOF {
			return nil, io.EOF
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("annotation: %s: after line %d: %w", l.file, l.line, err)
		}
	}
	l.line++
	line := bytes.TrimSuffix(bytes.TrimSuffix(l.text, []byte("\n")), []byte("\r"))
	if l.line == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if i := bytes.IndexAny(line, "\r\x00"); i >= 0 {
		return nil, l.fail(fmt.Errorf("found the byte 0x%02x at place %d of the line; lines must end in LF or CRLF", line[i], i+1))
	}
	return line, nil
}

func (l *lines) fail(err error) error {
	return fmt.Errorf("annotation: %s: line %d: %w", l.file, l.line, err)
}

// name is a copy of text, the same one for the same letters.
func (l *lines) name(text []byte, column string) (string, error) {
	if name, ok := l.names[string(text)]; ok {
		return name, nil
	}
	if len(text) > maxName {
		return "", fmt.Errorf("found a name of %d bytes in %s, %s; expected %d at most", len(text), column, quote(text), maxName)
	}
	name := string(text)
	l.names[name] = name
	return name, l.keep(len(name) + 64) // the map's own memory
}

// keep counts bytes that stay in memory.
func (l *lines) keep(n int) error {
	if l.kept += int64(n); l.kept > maxKept {
		return fmt.Errorf("the genes up to here take more than %d MiB of memory; give the file of fewer contigs", maxKept>>20)
	}
	return nil
}

// position reads a number from 0.
func position(text []byte, column string) (int, error) {
	n, err := strconv.ParseUint(string(text), 10, 31)
	if err != nil {
		return 0, fmt.Errorf("found %s in %s, expected a position from 0 to %d", quote(text), column, maxPosition)
	}
	return int(n), nil
}

// quote shows the beginning of a text.
func quote(text []byte) string {
	if len(text) > 60 {
		return fmt.Sprintf("%q…", text[:60])
	}
	return fmt.Sprintf("%q", text)
}
