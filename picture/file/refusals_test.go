package file_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/longspan/longspan/picture/file"
)

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

// sizedTIFF is a TIFF file whose directory says another width and height.
func sizedTIFF(t testing.TB, side uint16) []byte {
	data := bytes.Clone(bytesOf(t, "grey.tif"))
	entries := data[binary.LittleEndian.Uint32(data[4:])+2:]
	for i := range 2 { // the first entries are tags 256 and 257
		binary.LittleEndian.PutUint16(entries[12*i+8:], side)
	}
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
		{"a large TIFF", sizedTIFF(t, 16_000), []string{"16000×16000", "at least 62500 bytes", "cut short"}},
		{"TIFF of nothing", []byte("II*\x00\xff\xff\xff\xff"), []string{"first directory is damaged"}},
	} {
		_, err := file.Read(bytes.NewReader(c.data), "in.pic", file.Limits{})
		if err == nil {
			t.Errorf("%s was read", c.what)
			continue
		}
		if strconv.IntSize == 32 && strings.Contains(err.Error(), "dimension overflow") {
			continue // where int has 32 bits, Go's own limit comes first
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
