package main

import (
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"strconv"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/parallel"
	"github.com/longspan/longspan/tensor"
)

// digests are checksums of what all ranks must have read alike.
var digests = crc64.MakeTable(crc64.ECMA)

// sameOnRanks returns an error if a rank has another digest than rank 0. what says of what.
func sameOnRanks(e parallel.Engine, what string, digest uint64) error {
	if e.Size() == 1 {
		return nil
	}
	all, err := parallel.Gather(e, "digests of "+what, digest)
	if err != nil {
		return err
	}
	var other []int
	for r, d := range all {
		if d != all[0] {
			other = append(other, r)
		}
	}
	if len(other) == 0 {
		return nil
	}
	return usage(fmt.Errorf("found other %s on %s than on rank 0 (digest %016x, not %016x), expected the same on all ranks; "+
		"give all hosts the same files", what, parallel.RankList(other), all[other[0]], all[0]))
}

// sameInput returns an error if a rank has read other weights or other texts than rank 0.
func sameInput(e parallel.Engine, m *model.Model, texts []input) error {
	if e.Size() == 1 {
		return nil
	}
	if err := sameOnRanks(e, "weights", digestOfWeights(m)); err != nil {
		return err
	}
	return sameOnRanks(e, "texts", digestOfTexts(texts))
}

// digestOfTexts is that of the names and the contents of texts.
func digestOfTexts(texts []input) uint64 {
	var sum uint64
	for _, t := range texts {
		sum = crc64.Update(sum, digests, []byte(strconv.Itoa(len(t.text))+" "+t.text))
	}
	return sum
}

// digestOfWeights is that of all weights of a model. Cost: one read of them.
func digestOfWeights(m *model.Model) uint64 {
	var sum uint64
	row := make([]byte, 0, 1<<16)
	for _, p := range m.Params() {
		sum = crc64.Update(sum, digests, []byte(p.Name))
		for i := range p.Value.Rows {
			row = appendRow(row[:0], p.Value, i)
			sum = crc64.Update(sum, digests, row)
		}
	}
	return sum
}

// appendRow appends the elements of a row.
func appendRow(b []byte, m tensor.Mat, i int) []byte {
	if m.Type != tensor.F32 {
		for _, v := range m.Row16(i) {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return b
	}
	b, _ = binary.Append(b, binary.LittleEndian, m.Row(i)) // numbers of a fixed size
	return b
}
