package file_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

func bytesOf(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(pillow, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What a file has and a picture has not is said.
func TestNotes(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"half.jpg", ""}, {"lossy.webp", ""}, {"palette_clear.png", ""}, {"lzw.tif", ""},
		{"turned6.jpg", "metadata"}, {"turned.png", "metadata"}, {"turned.webp", "metadata"},
		{"cmyk.jpg", "CMYK"}, {"ycck.jpg", "CMYK"},
		{"linear.png", "gamma 1 "}, {"two.png", "animation"}, {"pages.tif", "3 pictures"},
	} {
		p := open(t, c.name)
		notes := strings.Join(p.Notes, " ")
		if c.want == "" && notes != "" || !strings.Contains(notes, c.want) {
			t.Errorf("%s: the notes are %q; want one with %q", c.name, p.Notes, c.want)
		}
	}
	if n := open(t, "cmyk.jpg").Notes; len(n) != 2 || !strings.Contains(n[1], `it is for colours of "CMYK"`) {
		t.Errorf("the notes are %q; want one on the profile", n)
	}
}

func TestProfilesOfEveryFormat(t *testing.T) {
	for _, c := range []struct {
		name   string
		format string
		n      int
	}{
		{"turned1.jpg", file.JPEG, 400}, {"turned.png", file.PNG, 400}, {"turned.webp", file.WebP, 400}, {"lzw.tif", file.TIFF, 400},
		{"grey.jpg", file.JPEG, 400}, {"grey_alpha.png", file.PNG, 400}, {"cmyk.jpg", file.JPEG, 0}, {"half.jpg", file.JPEG, 0},
	} {
		p := open(t, c.name)
		if len(p.ICC) != c.n || p.Format != c.format {
			t.Errorf("%s: %s with a profile of %d bytes; want %s with %d", c.name, p.Format, len(p.ICC), c.format, c.n)
		}
		for i, v := range p.ICC {
			if i >= 40 && v != byte(i*31) {
				t.Fatalf("%s: byte %d of the profile is %d; want %d", c.name, i, v, byte(i*31))
			}
		}
		for _, format := range []string{file.PNG, file.JPEG} {
			again := read(t, write(t, p, format))
			if !bytes.Equal(again.ICC, p.ICC) || again.Image.Width != p.Image.Width {
				t.Errorf("%s as %s: a profile of %d bytes; want %d", c.name, format, len(again.ICC), len(p.ICC))
			}
		}
	}
}

// Damaged profiles are left out, and the note says why.
func TestDamagedProfiles(t *testing.T) {
	p := made(t, 3, 8, 0)
	p.ICC = profile("RGB ", 70_000)
	segmented := write(t, p, file.JPEG)
	first := bytes.Index(segmented, []byte("ICC_PROFILE\x00"))
	second := first + 12 + bytes.Index(segmented[first+12:], []byte("ICC_PROFILE\x00"))
	edit := func(data []byte, at int, with string) []byte {
		out := bytes.Clone(data)
		copy(out[at:], with)
		return out
	}
	packed := write(t, p, file.PNG)
	for _, c := range []struct {
		what string
		data []byte
		want string
	}{
		{"a segment is missing", edit(segmented, second, "ICC_PROF-LE\x00"), "a segment of it is missing"},
		{"the same number twice", edit(segmented, second+12, "\x01"), "numbers of its segments"},
		{"a number of 0", edit(segmented, first+12, "\x00"), "numbers of its segments"},
		{"counts differ", edit(segmented, second+13, "\x03"), "numbers of its segments"},
		{"no signature", edit(segmented, first+14+36, "ACSP"), "no ICC profile"},
		{"another length", edit(segmented, first+14, "\x00\x00\x00\x80"), "says 128 bytes and has 70000"},
		{"grey for colour", edit(segmented, first+14+16, "GRAY"), `for colours of "GRAY"`},
		{"no zlib", chunkFixed(edit(packed, bytes.Index(packed, []byte("iCCP"))+4+13, "abc")), "iCCP is damaged"},
		{"no name", chunkFixed(edit(packed, bytes.Index(packed, []byte("iCCP"))+4, "\x00")), "iCCP is damaged"},
		{"a bomb", withChunk(packed, "iCCP", bomb()), "the limit is 16707345"},
	} {
		got := read(t, c.data)
		if got.ICC != nil || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], c.want) {
			t.Errorf("%s: a profile of %d bytes, notes %.200q; want %q", c.what, len(got.ICC), got.Notes, c.want)
		}
	}
}

// bomb is the content of a profile chunk of 20 MB, whose profile says the length at which the reader stops.
func bomb() []byte {
	const stops = 255*65519 + 1
	p := profile("RGB ", 128)
	binary.BigEndian.PutUint32(p, stops)
	b := bytes.NewBufferString("x\x00\x00")
	z := zlib.NewWriter(b)
	_, _ = z.Write(append(p, make([]byte, 20<<20)...)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

// withChunk replaces the first chunk of a name.
func withChunk(data []byte, name string, content []byte) []byte {
	at := bytes.Index(data, []byte(name)) - 4
	end := at + 12 + int(binary.BigEndian.Uint32(data[at:]))
	out := binary.BigEndian.AppendUint32(bytes.Clone(data[:at]), uint32(len(content)))
	out = append(append(out, name...), content...)
	out = append(out, 0, 0, 0, 0)
	return chunkFixed(append(out, data[end:]...))
}

// chunkFixed corrects the checksums of a PNG file.
func chunkFixed(data []byte) []byte {
	for rest := data[8:]; len(rest) >= 12; {
		n := binary.BigEndian.Uint32(rest)
		binary.BigEndian.PutUint32(rest[8+n:], crc32.ChecksumIEEE(rest[4:8+n]))
		rest = rest[12+n:]
	}
	return data
}

func TestSizeIsUpright(t *testing.T) {
	for name, want := range map[string]image.Point{
		"turned1.jpg": {X: 37, Y: 21}, "turned3.jpg": {X: 37, Y: 21}, "turned5.jpg": {X: 21, Y: 37}, "turned6.jpg": {X: 21, Y: 37},
		"turned.png": {X: 21, Y: 37}, "turned.webp": {X: 21, Y: 37}, "lzw.tif": {X: 21, Y: 37},
	} {
		w, h, err := file.Size(filepath.Join(pillow, name))
		if err != nil || w != want.X || h != want.Y {
			t.Errorf("%s is %d×%d, %v; want %v", name, w, h, err, want)
		}
	}
}

// Damaged EXIF is no reason to refuse a picture.
func TestDamagedEXIF(t *testing.T) {
	data := bytesOf(t, "turned6.jpg")
	at := bytes.Index(data, []byte("Exif\x00\x00")) + 6
	order := binary.ByteOrder(binary.BigEndian)
	if data[at] == 'I' {
		order = binary.LittleEndian
	}
	tag := at + 10
	for _, c := range []struct {
		what string
		edit func(b []byte)
		want string
	}{
		{"an orientation of 9", func(b []byte) { order.PutUint16(b[tag+8:], 9) }, "orientation 9"},
		{"an orientation of 0", func(b []byte) { order.PutUint16(b[tag+8:], 0) }, "orientation 0"},
		{"another type", func(b []byte) { order.PutUint16(b[tag+2:], 99) }, ""},
		{"no values", func(b []byte) { order.PutUint32(b[tag+4:], 0) }, ""},
		{"values outside", func(b []byte) { order.PutUint32(b[tag+4:], 1<<31) }, ""},
		{"a directory outside", func(b []byte) { order.PutUint32(b[at+4:], 1<<31) }, "EXIF data is damaged"},
		{"a directory in the header", func(b []byte) { order.PutUint32(b[at+4:], 0) }, "EXIF data is damaged"},
		{"many entries", func(b []byte) { order.PutUint16(b[at+8:], 65535) }, "EXIF data is damaged"},
		{"no header", func(b []byte) { b[at] = 'x' }, "EXIF data is damaged"},
	} {
		b := bytes.Clone(data)
		c.edit(b)
		p := read(t, b)
		if p.Image.Width != 37 || !strings.Contains(strings.Join(p.Notes, " "), c.want) {
			t.Errorf("%s: width %d, notes %q; want %q", c.what, p.Image.Width, p.Notes, c.want)
		}
	}
}

// A loop of directories ends.
func TestPagesInALoop(t *testing.T) {
	data := bytes.Clone(bytesOf(t, "grey.tif"))
	first := binary.LittleEndian.Uint32(data[4:])
	end := first + 2 + 12*uint32(binary.LittleEndian.Uint16(data[first:]))
	binary.LittleEndian.PutUint32(data[end:], first)
	if p := read(t, data); p.Image.Width != 37 {
		t.Errorf("read %+v", p)
	}
}
