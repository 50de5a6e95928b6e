package memory

import (
	"runtime"
	"testing"
)

func TestResident(t *testing.T) {
	before, _ := Resident()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells")
	}
	const size = 64 << 20
	block := make([]byte, size)
	for i := 0; i < size; i += 4096 {
		block[i] = 1
	}
	now, most := Resident()
	runtime.KeepAlive(block)
	if now-before < size*3/4 || most < now {
		t.Errorf("found %d bytes before %d more were written, then %d and at most %d", before, size, now, most)
	}
}
