"""Gated PixelCNN as the decoder's end, for images."""

from __future__ import annotations

from nelbo.checks import count
from nelbo.errors import BadValue
from nelbo.likelihoods.autoregressive import Autoregressive
from nelbo.likelihoods.base import Likelihood
from nelbo.likelihoods.chain import Causal
from nelbo.likelihoods.gated_pixels import GatedPixels
from nelbo.registry import register


# p(x|z) = prod_i p(x_i | x_<i, s(z)),   s(z) the decoder's output
@register("likelihood", "pixel_cnn")
class PixelCNN(Autoregressive, Likelihood):
    """Pixels row by row from left to right, in each the channels in their order: red first.

    The latents are left with what is beyond the reach of its convolutions: a small one (few
    layers) leaves them more. A draw takes a pass for each pixel.

    Source: van den Oord, Kalchbrenner, Vinyals, Espeholt, Graves & Kavukcuoglu 2016, Conditional
    image generation with PixelCNN decoders, equation 4; at the end of a VAE's decoder: Gulrajani
    et al. 2017, PixelVAE: a latent variable model for natural images, section 3.

    Args:
        of: the likelihood of a value given those before it.
        channels: of every layer, at least as many as an image has.
        layers: of the network; it sees layers (kernel - 1) / 2 rows up and columns to either side.
        kernel: size of its convolutions, odd.
        features: how many maps the decoder gives; they shift the input of each gate.

    Raises:
        TypeError: `of` is not a likelihood.
        ValueError: it couples its features; an even kernel; data of no shape [H, W] or [C, H, W].

    Example:
        >>> import torch, nelbo
        >>> small = PixelCNN(nelbo.likelihoods.Bernoulli(), channels=4, layers=2)
        >>> model = nelbo.VAE(data_shape=(1, 5, 5), latent=2, likelihood=small)
        >>> model.terms(torch.zeros(3, 1, 5, 5)).log_px.shape
        torch.Size([1, 3])
        >>> model.decode(torch.zeros(1, 2, 2)).sample().shape
        torch.Size([1, 2, 1, 5, 5])

    """

    places, most, axes = 2, 3, "[H, W] or [C, H, W]"

    def __init__(
        self,
        of: Likelihood,
        channels: int = 32,
        layers: int = 4,
        kernel: int = 5,
        features: int = 8,
    ) -> None:
        super().__init__(of, features)
        self.channels = count("channels", channels, least=1, usual=32)
        self.layers = count("layers", layers, least=1, usual=4)
        self.kernel = count("kernel", kernel, least=3, usual=5)
        if kernel % 2 == 0:
            raise BadValue("kernel", expected="an odd number", got=kernel, fix=f"Try {kernel + 1}.")

    def make(self, channels: int, outputs: int) -> Causal:
        """Return the network for images of so many channels."""
        if self.channels < channels:
            raise BadValue(
                "channels for PixelCNN",
                expected=f"at least {channels}, as many as an image has",
                got=self.channels,
                fix=f"Try {8 * channels}.",
            )
        shape = (self.reading.width, channels, outputs)
        return GatedPixels(shape, self.features, self.channels, self.layers, self.kernel)
