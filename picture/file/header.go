package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"strings"

	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"
)

// header is what a file says before its pixels are decoded.
type header struct {
	format        string
	width, height int    // as they are in the file, before the orientation
	orientation   int    // 1 … 8, the tag of EXIF
	grey          bool   // the file has grey and perhaps alpha, whatever Go decodes it to
	negative      bool   // Go decodes it with black and white swapped
	icc           []byte // the profile as found; nil for none
	least         int64  // a file of so many pixels has at least this many bytes
	notes         []string
}

// turned reports whether the orientation swaps width and height.
func (h *header) turned() bool { return h.orientation >= 5 }

func (h *header) note(format string, args ...any) {
	n := fmt.Sprintf(format, args...)
	for _, have := range h.notes {
		if have == n {
			return
		}
	}
	h.notes = append(h.notes, n)
}

// metadataNote is the note for a file with EXIF or XMP.
const metadataNote = "The file's metadata (EXIF, XMP: camera, date, place, text) is not kept, but for the orientation, which is applied."

// orient takes the orientation of a block of EXIF, which begins with the header of a TIFF file.
func (h *header) orient(exif []byte) {
	h.note(metadataNote)
	d, ok := firstDirectory(exif)
	if !ok {
		h.note("The EXIF data is damaged; the picture is taken as upright.")
		return
	}
	h.orientFrom(d)
}

// orientFrom takes the orientation of a directory.
func (h *header) orientFrom(d directory) {
	n, ok := d.number(tagOrientation)
	switch {
	case !ok || h.orientation != 1: // the first one counts
	case n < 1 || n > 8:
		h.note("The file says orientation %d, expected 1 to 8; the picture is taken as upright.", n)
	default:
		h.orientation = int(n)
	}
}

// refused are formats that are known by their first bytes and not read. A dot in from stands for any byte.
var refused = []struct{ from, is string }{
	{"GIF8", "a GIF picture"},
	{"BM", "a BMP picture"},
	{"....ftypavi", "an AVIF picture"},
	{"....ftyphei", "a HEIC picture"},
	{"....ftyphev", "a HEIC picture"},
	{"....ftypmif1", "a HEIF picture"},
	{"....ftypcrx", "a raw file of a camera"},
	{"....JXL ", "a JPEG XL picture"},
	{"\xff\x0a", "a JPEG XL picture"},
	{"....jP  ", "a JPEG 2000 picture"},
	{"8BPS", "a Photoshop document"},
	{"%PDF", "a PDF document"},
	{"II+\x00", "a BigTIFF picture"},
	{"MM\x00+", "a BigTIFF picture"},
	{"FUJIFILM", "a raw file of a camera"},
	{"IIRO", "a raw file of a camera"},
	{"IIU\x00", "a raw file of a camera"},
	{"\x00\x00\x01\x00", "an icon"},
	{"gimp xcf", "a GIMP document"},
	{"P5", "a PNM picture"},
	{"P6", "a PNM picture"},
}

// inspect reads a file's header and checks it against the limits. Errors name the file.
func inspect(data []byte, name string, o Limits) (*header, error) {
	h := &header{orientation: 1}
	var read func([]byte) (image.Config, error)
	switch {
	case len(data) == 0:
		return nil, fmt.Errorf("%s is empty, expected a picture", name)
	case begins(data, pngSignature):
		h.format, read = PNG, h.readPNG
	case begins(data, "\xff\xd8\xff"):
		h.format, read = JPEG, h.readJPEG
	case begins(data, "RIFF....WEBP"):
		h.format, read = WebP, h.readWebP
	case begins(data, "II*\x00"), begins(data, "MM\x00*"):
		h.format, read = TIFF, h.readTIFF
	default:
		return nil, fmt.Errorf("%s is %s; %s", name, identify(data), "expected PNG, JPEG, WebP or TIFF: convert it to PNG first")
	}
	c, err := read(data)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as %s: %w; if other programs open it, save it as PNG there", name, h.format, err)
	}
	h.width, h.height = c.Width, c.Height
	switch pixels := int64(c.Width) * int64(c.Height); {
	case c.Width < 1 || c.Height < 1:
		return nil, fmt.Errorf("%s says %d×%d pixels, expected at least 1×1", name, c.Width, c.Height)
	case pixels/int64(c.Width) != int64(c.Height) || pixels > o.MaxPixels:
		return nil, fmt.Errorf("%s says %d×%d pixels, which is more than the limit of %d; shrink it first, or cut a part out of it",
			name, c.Width, c.Height, o.MaxPixels)
	case int64(len(data)) < h.least:
		return nil, fmt.Errorf("%s says %d×%d pixels, which take at least %d bytes, and has %d; it is cut short or damaged: get it again",
			name, c.Width, c.Height, h.least, len(data))
	}
	return h, nil
}

// begins reports whether data begins with from, in which a dot stands for any byte.
func begins(data []byte, from string) bool {
	if len(data) < len(from) {
		return false
	}
	for i := range from {
		if from[i] != '.' && from[i] != data[i] {
			return false
		}
	}
	return true
}

// identify names what is no picture that can be read.
func identify(data []byte) string {
	for _, f := range refused {
		if begins(data, f.from) {
			return f.is
		}
	}
	head := data[:min(len(data), 256)]
	text := strings.ToLower(string(bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\ufeff")), " \t\r\n")))
	switch {
	case strings.HasPrefix(text, "version https://git-lfs"):
		return "a Git LFS pointer, not the picture itself (git lfs pull fetches it)"
	case strings.Contains(text, "<svg"):
		return "an SVG drawing"
	case strings.HasPrefix(text, "<!doctype"), strings.HasPrefix(text, "<html"):
		return "a web page"
	}
	return fmt.Sprintf("no picture that is known here (its first bytes are % x)", data[:min(len(data), 8)])
}

// decode makes the picture of the file, as it lies in the file.
func (h *header) decode(data []byte) (*Picture, error) {
	m, err := h.decodeImage(data)
	if err != nil {
		return nil, err
	}
	if s := m.Bounds().Size(); s.X != h.width || s.Y != h.height {
		return nil, fmt.Errorf("found %d×%d pixels, and %d×%d in its header", s.X, s.Y, h.width, h.height)
	}
	if _, ok := m.(*image.CMYK); ok {
		h.note("The file has CMYK colours. They were converted to RGB by a plain formula, without its profile: colours will differ.")
	}
	p, err := fromImage(m, h.format == WebP)
	if err != nil {
		return nil, err
	}
	if h.grey {
		p.Image = firstChannel(p.Image)
	}
	if h.negative {
		for i, v := range p.Image.Pix {
			p.Image.Pix[i] = 1 - v
		}
	}
	return p, nil
}

// decodeImage calls the decoder of the format. A panic of a decoder is an error: those of TIFF and WebP have had such faults, and the bytes
// may come from anybody.
func (h *header) decodeImage(data []byte) (m image.Image, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("its decoder failed: %v", r)
		}
	}()
	r := bytes.NewReader(data)
	switch h.format {
	case PNG:
		return png.Decode(r)
	case JPEG:
		return jpeg.Decode(r)
	case WebP:
		return webp.Decode(r)
	}
	return tiff.Decode(r)
}

// be is the order of bytes in PNG and JPEG.
var be = binary.BigEndian
