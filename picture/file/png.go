package file

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

// pngSignature begins a PNG file.
const pngSignature = "\x89PNG\r\n\x1a\n"

// Places in a PNG file (PNG, third edition, 5.2 and 11.2.1): the signature, then the chunk IHDR of 13 bytes.
const (
	pngDepth  = len(pngSignature) + 8 + 8 // the bits of a sample
	pngColour = pngDepth + 1              // what the samples are
	pngHead   = len(pngSignature) + 8 + 13 + 4
)

// Colour types of PNG.
const (
	pngGrey      = 0
	pngPalette   = 3
	pngGreyAlpha = 4
)

// readPNG reads the header of a PNG file, and the chunks that Go passes over.
func (h *header) readPNG(data []byte) (image.Config, error) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return c, err
	}
	depth, colour := int64(data[pngDepth]), data[pngColour]
	h.grey = colour == pngGrey || colour == pngGreyAlpha
	samples := [...]int64{1, 1, 3, 1, 2, 1, 4}[min(colour, 6)]
	// Deflate packs at most 1,032 bytes into one (RFC 1951: 258 bytes by 2 bits).
	h.least = int64(float64(c.Width) * float64(c.Height) * float64(depth*samples) / 8 / 1032)
	tagged := false
	var gamma uint32
	chunks(data, func(name string, content []byte) {
		switch name {
		case "iCCP":
			tagged = true
			h.icc, err = inflateProfile(content)
			if err != nil {
				h.note("The colour profile is not kept: %v.", err)
			}
		case "sRGB":
			tagged = true
		case "cICP":
			h.note("The file names its colours in a chunk cICP, such as those of a bright display. It is not kept: colours will differ.")
		case "gAMA":
			if len(content) == 4 {
				gamma = be.Uint32(content)
			}
		case "acTL":
			h.note("The file is an animation. Its first picture is read.")
		case "eXIf":
			h.orient(bytes.TrimPrefix(content, []byte(exifMark)))
		case "iTXt", "tEXt", "zTXt", "tIME":
			h.note(metadataNote)
		}
	})
	// 1/2.2, which is as good as sRGB: between 1/2.3 and 1/2.1.
	if !tagged && gamma != 0 && (gamma < 43478 || gamma > 47619) {
		h.note("The file has the gamma %.5g and no profile. It is not kept: brightness will differ.", float64(gamma)/100000)
	}
	return c, nil
}

// chunks calls each with the name and the content of every chunk but the pixels.
func chunks(data []byte, each func(name string, content []byte)) {
	for rest := data[len(pngSignature):]; len(rest) >= 12; {
		n := int64(be.Uint32(rest))
		if n > int64(len(rest)-12) {
			return
		}
		if name := string(rest[4:8]); name != "IDAT" {
			each(name, rest[8:8+n])
		}
		rest = rest[12+n:]
	}
}

// inflateProfile is the profile of a chunk iCCP: a name of 1 to 79 bytes, a zero, the method 0, and the profile, packed by zlib.
func inflateProfile(content []byte) ([]byte, error) {
	end := bytes.IndexByte(content, 0)
	if end < 1 || end > 79 || len(content) < end+2 || content[end+1] != 0 {
		return nil, errors.New("its chunk iCCP is damaged")
	}
	z, err := zlib.NewReader(bytes.NewReader(content[end+2:]))
	if err != nil {
		return nil, fmt.Errorf("its chunk iCCP is damaged: %w", err)
	}
	icc, err := io.ReadAll(io.LimitReader(z, int64(maxProfile)+1))
	if err != nil {
		return nil, fmt.Errorf("its chunk iCCP is damaged: %w", err)
	}
	return icc, nil // a profile above the limit is refused by checkProfile
}

// profileChunk is the chunk that carries a profile.
func profileChunk(icc []byte) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("ICC profile\x00\x00")
	z := zlib.NewWriter(&b)
	if _, err := z.Write(icc); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return chunk("iCCP", b.Bytes()), nil
}

// chunk is a chunk of a PNG file: length, name, content, and the checksum of the last two.
func chunk(name string, content []byte) []byte {
	out := be.AppendUint32(nil, uint32(len(content)))
	out = append(append(out, name...), content...)
	return be.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}
