package file

import (
	"bytes"
	"errors"
	"fmt"
	"image"

	"golang.org/x/image/tiff"
)

// readTIFF reads the header of a TIFF file. It refuses what the decoder would read wrongly, or not at all.
func (h *header) readTIFF(data []byte) (image.Config, error) {
	d, ok := firstDirectory(data)
	if !ok {
		return image.Config{}, errors.New("its first directory is damaged")
	}
	if err := d.decodable(); err != nil {
		return image.Config{}, err
	}
	h.orientFrom(d)
	h.negative = d.isNegative()
	if n := d.following(); n > 0 {
		h.note("The file has %d pictures. The first is read.", 1+n)
	}
	if d.has(tagEXIF) || d.has(tagXMP) {
		h.note(metadataNote)
	}
	if _, icc, ok := d.entry(tagICC); ok {
		h.icc = icc
	}
	c, err := tiff.DecodeConfig(bytes.NewReader(data))
	h.least = d.least(c)
	return c, err
}

// least is the fewest bytes of a picture. Fax codes apart, LZW packs the most of what the decoder reads: codes of 9 to 12 bits for strings
// of at most 4,096 bytes (TIFF 6.0, section 13).
func (d directory) least(c image.Config) int64 {
	bits, _ := d.number(tagBits)
	samples, _ := d.number(tagSamples)
	if d.isFax() {
		return 0
	}
	return int64(float64(c.Width) * float64(c.Height) * float64(min(bits, 16)) * float64(min(max(samples, 1), 4)) / 8 / 4096)
}

// isFax reports whether the picture is compressed by a fax code, T.4 or T.6.
func (d directory) isFax() bool {
	n, _ := d.number(tagCompression)
	return n == 3 || n == 4
}

// decodable returns an error for a picture that the decoder does not read.
func (d directory) decodable() error {
	value := func(tag uint16) uint32 {
		n, _ := d.number(tag)
		return n
	}
	switch {
	case d.has(tagDNG) || value(tagSubfile)&1 != 0:
		return errors.New("it is a raw file of a camera, of which the first picture is a thumbnail")
	case value(tagPlanes) == 2:
		return errors.New("its colours lie in planes apart") // the decoder would take them as interleaved
	}
	compressions := map[uint32]string{6: "old JPEG", 7: "JPEG", 34712: "JPEG 2000", 50000: "Zstandard", 50001: "WebP", 34925: "LZMA"}
	if name := compressions[value(tagCompression)]; name != "" {
		return fmt.Errorf("it is compressed by %s, expected none, LZW, Deflate, PackBits or a fax code", name)
	}
	colours := map[uint32]string{4: "a mask", 5: "CMYK", 6: "YCbCr", 8: "CIE L*a*b*", 9: "ICC L*a*b*", 32803: "a colour filter of a camera"}
	if name := colours[value(tagColours)]; name != "" {
		return fmt.Errorf("its colours are %s, expected grey, RGB or a palette", name)
	}
	return nil
}

// isNegative reports whether the decoder swaps black and white: it takes the white of a fax code as white, though a picture whose black is
// zero gives it zero (TIFF 6.0, section 11; libtiff).
func (d directory) isNegative() bool {
	const blackIsZero = 1
	colours, _ := d.number(tagColours)
	return d.isFax() && colours == blackIsZero
}
