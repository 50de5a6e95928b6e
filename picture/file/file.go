// Package file reads pictures from files and writes them.
//
// It reads PNG, JPEG, WebP and TIFF, and writes PNG and JPEG. A file may come from anybody: its size is checked before anything is decoded.
// What decoders of Go leave to their caller is done here: the orientation of EXIF, colour profiles, transparency that is not
// premultiplied, 16 bits, the range of WebP's colours, and colour that a JPEG file has at half resolution. What a file had and a picture
// has not is said in Picture.Notes; what a written file will not have is said by Losses.
package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/longspan/longspan/picture/raster"
)

// The names of the formats.
const (
	PNG  = "PNG"
	JPEG = "JPEG"
	WebP = "WebP"
	TIFF = "TIFF"
)

// Picture is a picture and what its file said about it.
type Picture struct {
	Image  *raster.Image // of 1 channel, grey, or 3, red, green and blue: 0 … 1, upright, not premultiplied
	Alpha  *raster.Image // of 1 channel, 0 is transparent; nil for an opaque picture
	Bits   int           // of a value in the file: 8 or 16; files of fewer bits give 8
	ICC    []byte        // the colour profile, which fits the channels of Image; nil for none, which is mostly sRGB
	Format string        // PNG, JPEG, WebP, TIFF, or empty for a picture that no file was read for
	Notes  []string      // what the file had and the picture has not, a sentence each
}

// Limits bound what Open and Read take. A field of 0 stands for its default.
type Limits struct {
	MaxPixels int64 // raster.MaxPixels, the most possible, if 0. A pixel of 8 bits takes up to 20 bytes while read, 32 while turned
	MaxBytes  int64 // of the file, which is read whole; 2³⁰ if 0
}

// maxBytes is the default of Limits.MaxBytes.
const maxBytes = 1 << 30

func (l Limits) withDefaults() (Limits, error) {
	if l.MaxPixels < 0 || l.MaxBytes < 0 {
		return l, fmt.Errorf("file: limits of %d pixels and %d bytes, expected positive numbers", l.MaxPixels, l.MaxBytes)
	}
	if l.MaxPixels == 0 || l.MaxPixels > raster.MaxPixels {
		l.MaxPixels = raster.MaxPixels
	}
	if l.MaxBytes == 0 {
		l.MaxBytes = maxBytes
	}
	return l, nil
}

// Open reads the picture of the file at path. Errors name the file.
func Open(path string, o Limits) (*Picture, error) {
	data, o, err := load(path, o)
	if err != nil {
		return nil, err
	}
	return decode(data, path, o)
}

// Read reads a picture from r, to its end. name stands for the file in errors. The format is known by the first bytes, not by the name.
func Read(r io.Reader, name string, o Limits) (*Picture, error) {
	data, o, err := readAll(r, name, o)
	if err != nil {
		return nil, err
	}
	return decode(data, name, o)
}

// Size is the width and the height of the picture that Open would return, upright. The file is read, and nothing is decoded.
func Size(path string) (width, height int, err error) {
	data, o, err := load(path, Limits{})
	if err != nil {
		return 0, 0, err
	}
	h, err := inspect(data, path, o)
	if err != nil {
		return 0, 0, err
	}
	if h.turned() {
		return h.height, h.width, nil
	}
	return h.width, h.height, nil
}

// load reads a file within the limits.
func load(path string, o Limits) ([]byte, Limits, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, o, err
	}
	if info.IsDir() {
		return nil, o, fmt.Errorf("%s is a folder, expected a picture; give the name of a file", path)
	}
	if !info.Mode().IsRegular() {
		return nil, o, fmt.Errorf("%s is no regular file, expected a picture; write what comes from a pipe to a file first", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, o, err
	}
	data, o, err := readAll(f, path, o)
	return data, o, errors.Join(err, f.Close())
}

func readAll(r io.Reader, name string, o Limits) ([]byte, Limits, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, o, err
	}
	var b bytes.Buffer
	n, err := b.ReadFrom(io.LimitReader(r, o.MaxBytes+1))
	switch {
	case err != nil:
		return nil, o, fmt.Errorf("reading %s: %w", name, err)
	case n > o.MaxBytes:
		return nil, o, fmt.Errorf("%s has more than %d bytes, the limit; shrink the picture first, or raise the limit", name, o.MaxBytes)
	}
	return b.Bytes(), o, nil
}

// decode makes the picture of a file's bytes.
func decode(data []byte, name string, o Limits) (*Picture, error) {
	h, err := inspect(data, name, o)
	if err != nil {
		return nil, err
	}
	p, err := h.decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as %s: %w; if other programs open it, save it as PNG there", name, h.format, err)
	}
	p.Format = h.format
	p.Notes = append(p.Notes, h.notes...)
	p.keepProfile(h.icc)
	p.Image, p.Alpha = upright(p.Image, h.orientation), upright(p.Alpha, h.orientation)
	return p, nil
}
