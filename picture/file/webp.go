package file

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"

	"golang.org/x/image/webp"
)

// readWebP reads the header of a WebP file: chunks of a name, a length and a content, of an even number of bytes (WebP Container
// Specification, "RIFF File Format").
func (h *header) readWebP(data []byte) (image.Config, error) {
	animated := false
	for rest := data[12:]; len(rest) >= 8; {
		n := int64(binary.LittleEndian.Uint32(rest[4:]))
		if n > int64(len(rest)-8) {
			break
		}
		content := rest[8 : 8+n]
		switch string(rest[:4]) {
		case "ICCP":
			h.icc = content
		case "EXIF":
			h.orient(bytes.TrimPrefix(content, []byte(exifMark)))
		case "XMP ":
			h.note(metadataNote)
		case "ANIM", "ANMF":
			animated = true
		}
		rest = rest[min(8+n+n&1, int64(len(rest))):]
	}
	if animated {
		return image.Config{}, errors.New("it is an animation")
	}
	return webp.DecodeConfig(bytes.NewReader(data))
}
