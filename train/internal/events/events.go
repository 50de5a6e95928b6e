// Package events writes the curves of a run as TensorBoard event files.
//
// A file is a sequence of TFRecords, each of which holds one Event, a protocol buffer:
//
//	uint64 length · uint32 crc(length) · length bytes · uint32 crc(bytes)        all little-endian
//	crc(b) = rotateRight(CRC-32C(b), 15) + 0xa282ead8
//
//	message Event        { double wall_time = 1; int64 step = 2; oneof what { string file_version = 3;
//	                       Summary summary = 5; SessionLog session_log = 7; } }
//	message Summary      { repeated Value value = 1; }      Value { string tag = 1; float simple_value = 2; }
//	message SessionLog   { enum SessionStatus { START = 1; } status = 1; }
//
// as TensorFlow's tensorflow/core/lib/io/record_writer.cc and tensorflow/core/util/event.proto describe. Only
// these few fields are written, so the encoding is done by hand.
package events

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"time"
)

// Writer writes events to a file. It is not safe for concurrent use.
type Writer struct {
	w io.Writer
}

// Name is what a file that begins now must be called for TensorBoard to find it; host and process tell apart those
// of one second.
func Name(now time.Time, host string, process int) string {
	return fmt.Sprintf("events.out.tfevents.%010d.%s.%d", now.Unix(), host, process)
}

// NewWriter begins a file. step is the first that will be written: TensorBoard drops what other files of the
// same folder, of a run that was killed and resumed, say of it and of later ones.
func NewWriter(w io.Writer, now time.Time, step int64) (*Writer, error) {
	e := &Writer{w}
	if err := e.record(appendString(event(now, 0), 3, "brain.Event:2")); err != nil {
		return nil, err
	}
	started := binary.AppendUvarint(tag(nil, 1, varintType), 1)
	return e, e.record(appendBytes(event(now, step), 7, started))
}

// Scalar is one point of one curve.
type Scalar struct {
	Tag   string // such as "loss/train": what lies before the slash groups curves
	Value float64
}

// Scalars writes the values of a step, as one event.
func (e *Writer) Scalars(now time.Time, step int64, scalars ...Scalar) error {
	var summary []byte
	for _, s := range scalars {
		value := appendString(nil, 1, s.Tag)
		value = tag(value, 2, fixed32Type)
		value = binary.LittleEndian.AppendUint32(value, math.Float32bits(float32(s.Value)))
		summary = appendBytes(summary, 1, value)
	}
	return e.record(appendBytes(event(now, step), 5, summary))
}

// record frames one event and writes it in one call: after a kill, only the last record can be incomplete.
func (e *Writer) record(event []byte) error {
	frame := binary.LittleEndian.AppendUint64(make([]byte, 0, len(event)+16), uint64(len(event)))
	frame = binary.LittleEndian.AppendUint32(frame, checksum(frame[:8]))
	frame = append(frame, event...)
	frame = binary.LittleEndian.AppendUint32(frame, checksum(event))
	_, err := e.w.Write(frame)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is masked so that a checksum of bytes that hold checksums is still a good one.
func checksum(b []byte) uint32 {
	return bits.RotateLeft32(crc32.Checksum(b, castagnoli), -15) + 0xa282ead8
}

// The wire types of protocol buffers.
const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
	fixed32Type = 5
)

func tag(b []byte, field, wire uint64) []byte { return binary.AppendUvarint(b, field<<3|wire) }

func appendBytes(b []byte, field uint64, value []byte) []byte {
	b = binary.AppendUvarint(tag(b, field, bytesType), uint64(len(value)))
	return append(b, value...)
}

func appendString(b []byte, field uint64, value string) []byte {
	return appendBytes(b, field, []byte(value))
}

// event begins an Event: its time in seconds since 1970, and its step.
func event(now time.Time, step int64) []byte {
	b := tag(nil, 1, fixed64Type)
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(now.UnixMicro())/1e6))
	if step == 0 { // the default, which the encoding leaves out
		return b
	}
	return binary.AppendUvarint(tag(b, 2, varintType), uint64(step))
}
