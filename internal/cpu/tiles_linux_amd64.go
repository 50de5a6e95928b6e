//go:build !purego

package cpu

import "golang.org/x/sys/unix"

// The kernel keeps the 8 KiB of tiles of a thread only for processes that ask, once, for all their threads (arch_prctl(2), since Linux
// 5.16; Documentation/arch/x86/xstate.rst). It refuses where a signal stack is too small to save them; those of Go are not.
const (
	archReqXcompPerm = 0x1023 // ARCH_REQ_XCOMP_PERM
	xfeatureTileData = 18     // XFEATURE_XTILE_DATA
)

func askForTiles() bool {
	_, _, errno := unix.RawSyscall(unix.SYS_ARCH_PRCTL, archReqXcompPerm, xfeatureTileData, 0)
	return errno == 0
}
