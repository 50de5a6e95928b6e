package document

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
)

// Format is the format of a source.
type Format string

// The formats. Auto is the format that the name or the content shows.
const (
	Auto      Format = ""
	Text      Format = "text"
	Markdown  Format = "markdown"
	LaTeX     Format = "latex"
	HTML      Format = "html"
	JSONLines Format = "json-lines"
)

// Formats lists the formats that a source may have.
var Formats = []Format{Text, Markdown, LaTeX, HTML, JSONLines}

// ErrEmpty is the error of a source without text.
var ErrEmpty = errors.New("the document is empty, expected text")

// DefaultMaxBytes is the largest source that is read by default: some five million words.
const DefaultMaxBytes = 32 << 20

// Options say how sources are read.
type Options struct {
	Format   Format
	Fields   []string // of JSON lines, that are the text; none: "text", or "title" and "sections"
	MaxBytes int64    // the largest source, unpacked; 0: DefaultMaxBytes
}

// ParseFormat reads the name of a format.
func ParseFormat(name string) (Format, error) {
	for _, f := range Formats {
		if string(f) == name {
			return f, nil
		}
	}
	return Auto, fmt.Errorf("found the format %q, expected one of %v", name, Formats)
}

// Open reads the documents of a file: one, or of JSON lines one a line. A file of gzip is unpacked; places are those of the unpacked bytes.
func Open(ctx context.Context, path string, o Options, use func(*Document) error) (err error) {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("found %s, a folder, expected a file", path)
	}
	f, err := stoppable(ctx, func() (*os.File, error) { return os.Open(path) }, func(f *os.File) { _ = f.Close() })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return Read(ctx, path, f, o, use)
}

// stoppable returns what f does, or ctx's error as soon as ctx is done: opening a pipe, and reading from it, wait for whoever writes to it.
// What f returns later is given to drop.
func stoppable[T any](ctx context.Context, f func() (T, error), drop func(T)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.err == nil {
				drop(r.value)
			}
		}()
		var none T
		return none, ctx.Err()
	}
}

// Read reads the documents of a source and gives each to use, in order. name stands in errors and in Document.Name, and its ending shows
// the format where o has none.
//
// The source is read whole, up to o.MaxBytes. Memory is some four times the source for prose, and up to seventy times where every few
// bytes are a paragraph. A source that is no text, is not UTF-8, or is too large is an error that says what to do.
func Read(ctx context.Context, name string, r io.Reader, o Options, use func(*Document) error) error {
	source, err := stoppable(ctx, func() (string, error) { return readAll(name, r, o) }, func(string) {})
	if err != nil {
		return err
	}
	format := o.Format
	if format == Auto {
		format = formatOf(name, source)
	}
	base := int64(0)
	if rest, ok := strings.CutPrefix(source, "\ufeff"); ok {
		source, base = rest, int64(len("\ufeff"))
	}
	if err := checkText(name, source, base); err != nil {
		return err
	}
	if strings.TrimSpace(source) == "" {
		return fmt.Errorf("%s: %w", name, ErrEmpty)
	}
	if format != JSONLines {
		if err := ctx.Err(); err != nil {
			return err
		}
		return use(Parse(name, source, base, format))
	}
	number := 0
	for line := range strings.SplitAfterSeq(source, "\n") {
		number++
		if strings.TrimSpace(line) != "" {
			d, err := readJSON(fmt.Sprintf("%s:%d", name, number), line, base, o.Fields)
			if err != nil {
				return err
			}
			if err := errors.Join(ctx.Err(), use(d)); err != nil {
				return err
			}
		}
		base += int64(len(line))
	}
	return nil
}

// ParseLine reads one line of JSON lines: a JSON object with the fields, or by default with "text", or with "title" and "sections". Places
// are those of the line.
func ParseLine(name, line string, fields ...string) (*Document, error) {
	return readJSON(name, line, 0, fields)
}

// Parse reads a source of a format other than JSON lines, which must be UTF-8. base is added to every place.
func Parse(name, source string, base int64, format Format) *Document {
	switch format {
	case Markdown:
		return readMarkdown(name, source, base)
	case LaTeX:
		return readLaTeX(name, source, base)
	case HTML:
		return readHTML(name, source, base)
	}
	b := newBuilder(name, Text, source, base)
	b.plain(0, len(source))
	return b.done()
}

// readAll reads and unpacks a source.
func readAll(name string, r io.Reader, o Options) (string, error) {
	limit := o.MaxBytes
	if limit == 0 {
		limit = DefaultMaxBytes
	}
	head := make([]byte, 2)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	r = io.MultiReader(bytes.NewReader(head[:n]), r)
	if string(head[:n]) == "\x1f\x8b" {
		if r, err = gzip.NewReader(r); err != nil {
			return "", unpacking(name, err)
		}
	}
	var b strings.Builder
	if _, err := io.Copy(&b, io.LimitReader(r, limit+1)); err != nil {
		if string(head[:n]) == "\x1f\x8b" {
			return "", unpacking(name, err)
		}
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if int64(b.Len()) > limit {
		return "", fmt.Errorf("%s: found more than %d bytes, the largest document; split it, or allow more with --max-bytes", name, limit)
	}
	return b.String(), nil
}

// unpacking is an error of a file of gzip.
func unpacking(name string, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: the gzip file ends too early, or is damaged; fetch it again (%w)", name, err)
	}
	return fmt.Errorf("%s: the gzip file is damaged; fetch it again (%w)", name, err)
}

// formatOf is the format that a name or the content shows.
func formatOf(name, source string) Format {
	switch filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")) {
	case ".md", ".markdown", ".mkd", ".mdown":
		return Markdown
	case ".tex", ".ltx", ".latex":
		return LaTeX
	case ".html", ".htm", ".xhtml":
		return HTML
	case ".jsonl", ".ndjson":
		return JSONLines
	case ".txt", ".text", ".rst", ".log":
		return Text
	}
	head := strings.ToLower(strings.TrimLeft(source[:min(len(source), 1<<16)], "\ufeff \t\r\n"))
	switch {
	case strings.HasPrefix(head, "<!doctype html"), strings.HasPrefix(head, "<html"):
		return HTML
	case strings.Contains(head, `\documentclass`), strings.Contains(head, `\begin{document}`):
		return LaTeX
	case strings.HasPrefix(head, "{"):
		line, _, _ := strings.Cut(strings.TrimLeft(source, "\ufeff \t\r\n"), "\n")
		if json.Valid([]byte(line)) {
			return JSONLines
		}
	}
	return Text
}

// noText are formats that are not read, by their first bytes.
var noText = []struct{ magic, is, remedy string }{
	{"%PDF-", "a PDF file", "take its text out first, with: pdftotext FILE.pdf FILE.txt (poppler-utils)"},
	{"PK\x05\x06", "an empty zip archive", "save the document as HTML or text"},
	{"PK\x03\x04", "a zip archive, as Word, OpenDocument and EPUB files are", "save the document as HTML or text"},
	{"\xd0\xcf\x11\xe0", "an old file of Microsoft Office", "save the document as HTML or text"},
	{"{\\rtf", "a file of Rich Text", "save the document as HTML or text"},
	{"%!PS", "a PostScript file", "take its text out first, with: ps2ascii FILE.ps FILE.txt (ghostscript)"},
	{"\xff\xfe\x00\x00", "text in UTF-32", "convert it with: iconv -f UTF-32 -t UTF-8 FILE"}, // before UTF-16, which begins alike
	{"\x00\x00\xfe\xff", "text in UTF-32", "convert it with: iconv -f UTF-32 -t UTF-8 FILE"},
	{"\x89PNG", "a picture", "take its text out first, by a program that recognises characters, such as tesseract"},
	{"\xff\xd8\xff", "a picture", "take its text out first, by a program that recognises characters, such as tesseract"},
	{"\xff\xfe", "text in UTF-16", "convert it with: iconv -f UTF-16 -t UTF-8 FILE"},
	{"\xfe\xff", "text in UTF-16", "convert it with: iconv -f UTF-16 -t UTF-8 FILE"},
}

// checkText refuses what is no UTF-8 text.
func checkText(name, source string, base int64) error {
	for _, f := range noText {
		if strings.HasPrefix(source, f.magic) {
			return fmt.Errorf("%s: found %s, expected text, Markdown, LaTeX, HTML or JSON lines; %s", name, f.is, f.remedy)
		}
	}
	if at := strings.IndexByte(source, 0); at >= 0 {
		return fmt.Errorf("%s: found a zero byte at byte %d, expected text; the file is no text, or in UTF-16, which iconv -f UTF-16LE "+
			"-t UTF-8 converts", name, base+int64(at))
	}
	if utf8.ValidString(source) {
		return nil
	}
	at := 0
	for at < len(source) {
		r, n := utf8.DecodeRuneInString(source[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return fmt.Errorf("%s: found byte %#x at byte %d, which is not UTF-8; convert the file, such as with: iconv -f WINDOWS-1252 -t UTF-8 FILE",
		name, source[at], base+int64(at))
}
