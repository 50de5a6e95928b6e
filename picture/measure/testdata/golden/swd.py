"""Makes swd.json: a Laplacian pyramid and a sliced Wasserstein distance as the paper's formulas give them, with NumPy and SciPy.

    .venv/bin/python picture/measure/testdata/golden/swd.py     # after pairs.py, in the same environment
"""

import numpy as np
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance

from pairs import noise, picture, write


def pyramid():
    """The Laplacian pyramid of Karras et al. 2018, three levels of 22 × 17, three channels."""
    w = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[..., None] / 256
    fine = picture(22, 17, 3) / 256
    levels = []
    for _ in range(2):
        coarse = convolve(fine, w, mode="mirror")[::2, ::2]
        up = np.zeros_like(fine)
        up[::2, ::2] = coarse
        levels.append(fine - convolve(up, 4 * w, mode="mirror"))
        fine = coarse
    return [np.round(v, 8).ravel().tolist() for v in levels + [fine]]


def sliced():
    """20 patches of 4 pixels of 3 channels in each of two sets, and 7 directions."""
    x = noise(2 * 20 * 12).reshape(2, 20, 4, 3) / 256
    x[1] = x[1] ** 2
    x = (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True)
    a, b = x.reshape(2, 20, 12)
    to = noise(7 * 12).reshape(7, 12) / 256 - 0.5
    to /= np.linalg.norm(to, axis=1, keepdims=True)
    return np.mean([wasserstein_distance(a @ d, b @ d) for d in to])


if __name__ == "__main__":
    write("swd.json", {"pyramid": pyramid(), "sliced": sliced()}, ("numpy", "scipy"))
