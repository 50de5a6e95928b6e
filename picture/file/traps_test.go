package file_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
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

// head is a PNG file that ends after its header.
func head(width, height uint32) []byte {
	content := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"), width)
	content = append(binary.BigEndian.AppendUint32(content, height), 8, 2, 0, 0, 0)
	content = append(content, 0, 0, 0, 0)
	return chunkFixed(content)
}

// sized is a JPEG file whose header says another size.
func sized(t testing.TB, width, height uint16) []byte {
	data := bytes.Clone(bytesOf(t, "half.jpg"))
	at := bytes.Index(data, []byte("\xff\xc0\x00\x11\x08"))
	binary.BigEndian.PutUint16(data[at+5:], height)
	binary.BigEndian.PutUint16(data[at+7:], width)
	return data
}

// Files that cannot be read are refused with what was found and what to do, before anything is decoded.
func TestRefusals(t *testing.T) {
	half := bytesOf(t, "half.jpg")
	for _, c := range []struct {
		what string
		data []byte
		want []string
	}{
		{"nothing", nil, []string{"is empty"}},
		{"a huge PNG", head(100_000, 100_000), []string{"100000×100000 pixels", "limit"}},
		{"a huge PNG within the limit", head(16_384, 16_384), []string{"16384×16384", "at least 780335 bytes, and has 33", "cut short"}},
		{"a PNG of 2³¹", head(1<<31, 1), []string{"PNG", "dimension"}},
		{"a huge JPEG", sized(t, 65535, 65535), []string{"65535×65535 pixels", "limit of 268435456"}},
		{"a large JPEG", sized(t, 16_000, 16_000), []string{"at least 500000 bytes, and has 983"}},
		{"a JPEG of no height", sized(t, 9, 0), []string{"9×0 pixels"}},
		{"half a JPEG", half[:len(half)/2], []string{"unexpected EOF", "save it as PNG"}},
		{"half a WebP", bytesOf(t, "lossy.webp")[:200], []string{"WebP"}},
		{"a GIF", []byte("GIF89a........"), []string{"a GIF picture", "convert it to PNG"}},
		{"a BMP", []byte("BM............"), []string{"a BMP picture"}},
		{"HEIC", []byte("\x00\x00\x00\x18ftypheic...."), []string{"a HEIC picture"}},
		{"AVIF", []byte("\x00\x00\x00\x18ftypavif...."), []string{"an AVIF picture"}},
		{"SVG", []byte("<?xml version='1.0'?><svg/>"), []string{"an SVG drawing"}},
		{"a page", []byte("\n<!DOCTYPE html>"), []string{"a web page"}},
		{"Git LFS", []byte("version https://git-lfs.github.com/spec/v1\n"), []string{"git lfs pull"}},
		{"text", []byte("hello"), []string{"68 65 6c 6c 6f", "expected PNG, JPEG, WebP or TIFF"}},
		{"a film", bytesOf(t, "moving.webp"), []string{"it is an animation"}},
		{"TIFF of CMYK", bytesOf(t, "cmyk.tif"), []string{"its colours are CMYK, expected grey, RGB"}},
		{"TIFF of planes", bytesOf(t, "planes.tif"), []string{"planes apart", "save it as PNG"}},
		{"TIFF of JPEG", bytesOf(t, "jpeg.tif"), []string{"compressed by JPEG"}},
		{"TIFF of nothing", []byte("II*\x00\xff\xff\xff\xff"), []string{"first directory is damaged"}},
	} {
		_, err := file.Read(bytes.NewReader(c.data), "in.pic", file.Limits{})
		if err == nil {
			t.Errorf("%s was read", c.what)
			continue
		}
		for _, want := range append(c.want, "in.pic") {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q; want %q in it", c.what, err, want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		limits file.Limits
		want   string
	}{
		{file.Limits{MaxPixels: 37 * 21}, ""},
		{file.Limits{MaxPixels: 37*21 - 1}, "37×21 pixels, which is more than the limit of 776"},
		{file.Limits{MaxBytes: 982}, "more than 982 bytes"},
		{file.Limits{MaxBytes: 983}, ""},
		{file.Limits{MaxBytes: -1}, "expected positive"},
	} {
		_, err := file.Open(filepath.Join(pillow, "half.jpg"), c.limits)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v; want %q", c.limits, err, c.want)
		}
	}
	if _, err := file.Open(pillow, file.Limits{}); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, _, err := file.Size("no such file"); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
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

func TestCheckOutput(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.png")
	if err := file.Save(in, made(t, 3, 8, 0), 0); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link.png")
	if err := os.Symlink(in, link); err != nil {
		t.Skip(err)
	}
	size := image.Pt(7, 5)
	for _, c := range []struct {
		path   string
		size   image.Point
		inputs []string
		want   string
	}{
		{in, size, nil, ""},
		{in, size, []string{filepath.Join(dir, "other.png")}, ""},
		{in, size, []string{in}, "is the input"},
		{link, size, []string{in}, "is the input"},
		{filepath.Join(dir, "out.webp"), size, nil, ".webp cannot be written; expected .png"},
		{filepath.Join(dir, "out"), size, nil, "no ending"},
		{filepath.Join(dir, "no", "out.png"), size, nil, "make it"},
		{filepath.Join(dir, "out.jpg"), image.Pt(65536, 1), nil, "write PNG"},
		{filepath.Join(dir, "out.png"), image.Pt(65536, 1), nil, ""},
		{filepath.Join(dir, "out.png"), image.Pt(0, 1), nil, "at least 1×1"},
	} {
		err := file.CheckOutput(c.path, c.size, c.inputs...)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v; want %q", c.path, err, c.want)
		}
	}
}

// A picture that cannot be written is refused before a byte is.
func TestWriteRefuses(t *testing.T) {
	grey, colour := made(t, 1, 8, 0), made(t, 3, 8, 0)
	bits, misfit, alpha := *colour, *grey, *colour
	bits.Bits, misfit.ICC, alpha.Alpha = 12, profile("RGB ", 200), colour.Image
	for _, c := range []struct {
		p       *file.Picture
		format  string
		quality int
		want    string
	}{
		{nil, file.PNG, 0, "no picture"},
		{&file.Picture{}, file.PNG, 0, "no picture"},
		{colour, "GIF", 0, `found the format "GIF" to write, expected PNG or JPEG`},
		{colour, file.JPEG, 101, "found the quality 101"},
		{&bits, file.PNG, 0, "12 bits"},
		{&misfit, file.PNG, 0, `the picture has "GRAY"; set another`},
		{&alpha, file.PNG, 0, "expected one value a pixel"},
	} {
		var b bytes.Buffer
		if err := file.Write(&b, c.p, c.format, c.quality); err == nil || !strings.Contains(err.Error(), c.want) || b.Len() > 0 {
			t.Errorf("error %v; want %q", err, c.want)
		}
	}
}

func TestLosses(t *testing.T) {
	for _, c := range []struct {
		p      *file.Picture
		format string
		want   string
	}{
		{made(t, 3, 16, 1), file.PNG, ""},
		{made(t, 1, 8, 0), file.JPEG, "with losses"},
		{made(t, 3, 16, 1), file.JPEG, "half resolution 8 bits over white"},
	} {
		got := strings.Join(file.Losses(c.p, c.format), " ")
		for want := range strings.FieldsSeq(c.want) {
			if !strings.Contains(got, want) {
				t.Errorf("%q; want %q in it", got, want)
			}
		}
		if c.want == "" && got != "" {
			t.Errorf("%q for PNG", got)
		}
	}
}

// A JPEG file of a transparent picture has white where nothing is.
func TestTransparentAsJPEG(t *testing.T) {
	p := made(t, 3, 8, 1)
	clear(p.Image.Pix)
	clear(p.Alpha.Pix)
	for _, v := range read(t, write(t, p, file.JPEG)).Image.Pix {
		if v < 0.99 {
			t.Fatalf("found %v; want white", v)
		}
	}
}

func TestPremultiplied(t *testing.T) {
	p := made(t, 3, 8, 1)
	want := bytes.Clone(write(t, p, file.PNG))
	p.Alpha.Pix[3] = 1
	m, err := p.Premultiplied()
	if err != nil {
		t.Fatal(err)
	}
	p.Alpha.Pix[3] = 1.1 // as a resampler may leave it
	if err := file.Unpremultiply(m, p.Alpha); err != nil || p.Alpha.Pix[3] != 1 {
		t.Fatal(p.Alpha.Pix[3], err)
	}
	for i, a := range p.Alpha.Pix {
		for c := 3 * i; c < 3*i+3; c++ {
			if d := m.Pix[c] - p.Image.Pix[c]; a > 0 && (d > 1e-6 || d < -1e-6) {
				t.Errorf("value %d is %v; want %v", c, m.Pix[c], p.Image.Pix[c])
			}
		}
	}
	if len(want) == 0 || file.Unpremultiply(m, m) == nil {
		t.Error("Unpremultiply took an alpha of three channels")
	}
}

// The premultiplied types of Go come back straight.
func TestPremultipliedImages(t *testing.T) {
	p := made(t, 3, 16, 1)
	m, err := file.ToImage(p)
	if err != nil {
		t.Fatal(err)
	}
	r := m.Bounds()
	deep, shallow := image.NewRGBA64(r), image.NewRGBA(r)
	for y := range r.Dy() {
		for x := range r.Dx() {
			deep.Set(x, y, m.At(x, y))
			shallow.Set(x, y, m.At(x, y))
		}
	}
	for _, src := range []image.Image{deep, shallow} {
		got, err := file.FromImage(src)
		if err != nil {
			t.Fatal(err)
		}
		steps := float32(int(1)<<got.Bits - 1)
		for i, a := range got.Alpha.Pix {
			if d := (a - p.Alpha.Pix[i]) * steps; d > 1.1 || d < -1.1 {
				t.Errorf("%T: alpha %d is %v; want %v", src, i, a, p.Alpha.Pix[i])
			}
			for c := 3 * i; c < 3*i+3; c++ {
				if d := (got.Image.Pix[c] - p.Image.Pix[c]) * a * steps; d > 2 || d < -2 {
					t.Errorf("%T: value %d is %v; want %v", src, c, got.Image.Pix[c], p.Image.Pix[c])
				}
			}
		}
	}
}

// Colour at half resolution is interpolated: a ramp of colour stays a ramp, for each ratio.
func TestColourIsInterpolated(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411,
		image.YCbCrSubsampleRatio410, image.YCbCrSubsampleRatio444,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 32, 32), ratio)
		for i := range m.Y {
			m.Y[i] = 128
		}
		columns, rows := m.CStride, len(m.Cr)/m.CStride
		for i := range m.Cr {
			m.Cb[i] = 128
			m.Cr[i] = byte(96 + 32*(i%columns)/columns + 32*(i/columns)/rows)
		}
		for _, part := range []image.Image{m, m.SubImage(image.Rect(3, 5, 30, 31))} {
			checkRamp(t, fmt.Sprint(ratio, part.Bounds()), part)
		}
	}
}

func checkRamp(t *testing.T, what string, m image.Image) {
	t.Helper()
	p, err := file.FromImage(m)
	if err != nil {
		t.Fatal(err)
	}
	for y := range p.Image.Height {
		row := p.Image.Row(y)
		for x := 1; x < p.Image.Width; x++ {
			if d := (row[3*x] - row[3*x-3]) * 255; d < -0.01 || d > 3.01 {
				t.Fatalf("%s: red rises by %v at (%d, %d)", what, d, x, y)
			}
		}
		if at := m.Bounds().Min; y == 8 { // in the middle, as Go sees it, within the step of a sample
			r, _, _, _ := m.At(at.X+10, at.Y+8).RGBA()
			if d := row[30]*255 - float32(r>>8); d > 6 || d < -6 {
				t.Errorf("%s: red is %v; Go says %d", what, row[30]*255, r>>8)
			}
		}
	}
}
