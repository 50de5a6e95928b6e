package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/longspan/longspan/model"
)

// isTerminalOut reports whether the output goes to a terminal, which shows no binary data.
func isTerminalOut(o *output) bool {
	s, ok := o.out.(*stdout)
	if !ok {
		return false
	}
	f, ok := s.w.(*os.File)
	return ok && isTerminal(f)
}

// maxSimilar is the largest number of vectors whose cosines are printed.
const maxSimilar = 512

// similarity is the output of `embed --similarity`.
type similarity struct {
	Names   []string    `json:"names"`
	Cosines [][]float64 `json:"cosines"` // of each vector with each, in the order of the names
}

func newSimilarity(rows []vectorRow) similarity {
	var s similarity
	for _, a := range rows {
		s.Names = append(s.Names, fmt.Sprintf("%s [%d, %d)", a.Name, a.From, a.To))
		line := make([]float64, len(rows))
		for j, b := range rows {
			line[j] = model.Cosine(a.Vector, b.Vector)
		}
		s.Cosines = append(s.Cosines, line)
	}
	return s
}

func (s similarity) write(w io.Writer) {
	for i, line := range s.Cosines {
		fmt.Fprintf(w, "%3d", i)
		for _, v := range line {
			fmt.Fprintf(w, " %7.4f", v)
		}
		fmt.Fprintf(w, "  %s\n", s.Names[i])
	}
}

// writeNPY writes vectors as a float32 array of NumPy, in the format 1.0 of its documentation (numpy.lib.format).
func writeNPY(w io.Writer, rows []vectorRow) {
	header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(rows), len(rows[0].Vector))
	const magic = "\x93NUMPY\x01\x00"
	gap := 64 - (len(magic)+2+len(header)+1)%64
	header += strings.Repeat(" ", gap) + "\n"
	length := binary.LittleEndian.AppendUint16(nil, uint16(len(header)))
	_, _ = fmt.Fprintf(w, "%s%s%s", magic, length, header) // finish reports a write error
	for _, r := range rows {
		line := make([]byte, 0, 4*len(r.Vector))
		for _, v := range r.Vector {
			line = binary.LittleEndian.AppendUint32(line, math.Float32bits(v))
		}
		_, _ = w.Write(line)
	}
}
