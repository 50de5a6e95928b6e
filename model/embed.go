package model

import (
	"math"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
)

// vectors records the projections of pooled rows x [n, width] of the head embed: [n, outputs].
func (m *Model) vectors(p *nn.Pass, x *autograd.Var) *autograd.Var {
	for _, layer := range m.project {
		x = layer.linear.ApplyF32(p, x)
		if layer.activation != nil {
			x = p.G.Activate(x, *layer.activation)
		}
	}
	return x
}

// finishVectors returns vectors in float32, of length 1 if the head says so. It takes the matrix.
func (s *Session) finishVectors(v tensor.Mat) (tensor.Mat, error) {
	if v.Type != tensor.F32 {
		wide := s.x.Pool.Get(tensor.F32, v.Rows, v.Cols)
		err := tensor.Convert(s.x, wide, v)
		s.x.Pool.Put(v)
		if err != nil {
			s.x.Pool.Put(wide)
			return tensor.Mat{}, err
		}
		v = wide
	}
	if s.m.spec.Head.Normalise {
		normalise(v)
	}
	return v, nil
}

// normalise divides each row by its length. A row of zeros stays.
func normalise(rows tensor.Mat) {
	if rows.Dry() {
		return
	}
	for i := range rows.Rows {
		row, sum := rows.Row(i), 0.0
		for _, v := range row {
			sum += float64(v) * float64(v)
		}
		if sum == 0 {
			continue
		}
		scale := 1 / math.Sqrt(sum)
		for j, v := range row {
			row[j] = float32(float64(v) * scale)
		}
	}
}

// project puts pooled rows [n, width] through the projections of the head embed: [n, outputs], in memory of its own.
func (s *Session) project(pooled tensor.Mat) (tensor.Mat, error) {
	m := s.m
	if len(m.project) == 0 {
		return pooled, nil
	}
	if err := m.acquire(); err != nil {
		return tensor.Mat{}, err
	}
	defer m.release()
	p := &nn.Pass{G: autograd.New(s.x, autograd.Options{Policy: m.policy}), Lengths: []int{pooled.Rows}, Compiled: s.compiled}
	defer p.Close()
	return result(tensor.Exec{}, p, m.vectors(p, p.G.Input(pooled)))
}
