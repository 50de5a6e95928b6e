package tensor_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"unsafe"

	"github.com/longspan/longspan/tensor"
)

func TestPoolCounts(t *testing.T) {
	for name, p := range map[string]*tensor.Pool{"real": tensor.NewPool(), "dry": tensor.NewDryPool()} {
		a, b := p.Get(tensor.F32, 10, 20), p.Get(tensor.BF16, 3, 7)
		if got := p.InUse(); got != 10*20*4+3*7*2 {
			t.Errorf("%s: %d bytes in use", name, got)
		}
		if a.Dry() != (name == "dry") || b.Dry() != a.Dry() {
			t.Errorf("%s: dry is %t", name, a.Dry())
		}
		p.Put(a)
		p.Put(p.Get(tensor.F16, 0, 5))
		if p.InUse() != 42 || p.Peak() != 842 {
			t.Errorf("%s: %d bytes in use, peak %d", name, p.InUse(), p.Peak())
		}
		p.ResetPeak()
		p.Put(b)
		if p.InUse() != 0 || p.Peak() != 42 {
			t.Errorf("%s: %d bytes in use, peak %d after a reset", name, p.InUse(), p.Peak())
		}
	}
	var none *tensor.Pool
	none.Put(none.GetZero(tensor.F32, 2, 2))
	if none.Peak() != 0 || none.InUse() != 0 || none.Touched() != 0 {
		t.Error("no pool counted")
	}
}

// Matrices of all shapes come and go; none may overlap another, and the memory must stay near the peak.
func TestPoolHandsOutEachWordOnce(t *testing.T) {
	p, r := tensor.NewPool(), rand.New(rand.NewPCG(1, 2))
	type held struct {
		m    tensor.Mat
		mark uint16
	}
	var out []held
	for i := range 4000 {
		if len(out) > 0 && r.IntN(5) < 2 || len(out) > 60 {
			k := r.IntN(len(out))
			for _, v := range out[k].m.U16 {
				if v != out[k].mark {
					t.Fatalf("matrix %d was written to by another", k)
				}
			}
			for _, v := range out[k].m.F32 {
				if v != float32(out[k].mark) {
					t.Fatalf("matrix %d was written to by another", k)
				}
			}
			p.Put(out[k].m)
			out[k] = out[len(out)-1]
			out = out[:len(out)-1]
			continue
		}
		m, mark := p.Get(tensor.Type(r.IntN(3)), 1+r.IntN(300), 1+r.IntN(100)), uint16(i)
		for j := range m.U16 {
			m.U16[j] = mark
		}
		for j := range m.F32 {
			m.F32[j] = float32(mark)
		}
		if m.Type == tensor.F32 && uintptr(unsafe.Pointer(&m.F32[0]))%64 != 0 {
			t.Fatal("a matrix does not begin on a cache line")
		}
		out = append(out, held{m, mark})
	}
	if p.Touched() > p.Peak()*3/2 {
		t.Errorf("%d bytes touched for a peak of %d", p.Touched(), p.Peak())
	}
	for _, h := range out {
		p.Put(h.m)
	}
	p.Trim()
	if p.InUse() != 0 || p.Touched() != 0 {
		t.Errorf("%d bytes in use and %d touched after all came back", p.InUse(), p.Touched())
	}
}

func TestPoolIsConcurrent(t *testing.T) {
	p := tensor.NewPool()
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for n := range 500 {
				m := p.GetZero(tensor.F32, 1+n%7, 33)
				m.F32[0]++
				p.Put(m)
			}
		})
	}
	wait.Wait()
	if p.InUse() != 0 {
		t.Errorf("%d bytes did not come back", p.InUse())
	}
}

func TestPoolRefusesStrangers(t *testing.T) {
	p := tensor.NewPool()
	kept := p.Get(tensor.F32, 4, 4)
	m := p.Get(tensor.F32, 2, 2)
	p.Put(m)
	defer func() {
		if recover() == nil {
			t.Error("a matrix came back twice unnoticed")
		}
		p.Put(kept)
	}()
	p.Put(m)
}

func TestReserveTouchesNothing(t *testing.T) {
	p := tensor.NewPool()
	p.Reserve(1 << 20)
	p.Reserve(1 << 19) // there is room for that already
	if p.Touched() != 0 || p.InUse() != 0 || p.Peak() != 0 {
		t.Errorf("%d bytes touched, %d in use, peak %d", p.Touched(), p.InUse(), p.Peak())
	}
	a, b := p.Get(tensor.F32, 512, 256), p.Get(tensor.F32, 512, 256)
	if uintptr(unsafe.Pointer(&b.F32[0]))-uintptr(unsafe.Pointer(&a.F32[0])) != 512*256*4 {
		t.Error("two halves of what was reserved do not lie side by side")
	}
	tensor.NewDryPool().Reserve(1 << 40)
	p.Put(a)
	p.Put(b)
}

// TestPoolOver holds that a pool over a row of another's matrix takes from that row first, and grows where it is full.
func TestPoolOver(t *testing.T) {
	m := tensor.New(tensor.F32, 1, 1000)
	p := tensor.NewPoolOver(m.Row(0))
	first := p.Get(tensor.F32, 30, 30)
	first.Row(0)[0] = 7
	if m.F32[0] != 7 {
		t.Error("the first matrix does not lie in the row")
	}
	second := p.Get(tensor.BF16, 30, 30)
	second.Row16(0)[0] = 1
	p.Put(first)
	p.Put(second)
	if p.InUse() != 0 || p.Peak() != first.Bytes()+second.Bytes() {
		t.Errorf("%d bytes in use, peak %d", p.InUse(), p.Peak())
	}
	if empty := tensor.NewPoolOver(nil).Get(tensor.F32, 2, 2); len(empty.F32) != 4 {
		t.Errorf("a pool over nothing handed out %d elements", len(empty.F32))
	}
}
