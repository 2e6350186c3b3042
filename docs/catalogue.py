"""Pythae's 26 models and 10 samplers, and how nelbo says them.

Read by `make_catalogue.py`, which writes catalogue.md, and by tests/test_catalogue.py, which trains
every row. Versions of which Pythae's defaults are: release 0.1.2; HRQVAE, which is newer, the
repository's.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Model:
    """A model of Pythae's.

    Attributes:
        name: Pythae's.
        paper: authors and year.
        spelled: text of each axis that differs from the default.
        latent: number of latents, where 20 will not do.
        remark: where nelbo's is another than Pythae's.
    """

    name: str
    paper: str
    spelled: dict[str, str] = field(default_factory=dict)
    latent: int = 20
    remark: str = ""


@dataclass(frozen=True)
class Sampler:
    """A sampler of Pythae's.

    Attributes:
        name: Pythae's.
        fitted: text of the prior that `nelbo.fit_prior` fits to a trained model; else empty.
        prior: text of the prior with which the model is trained; else empty.
        posterior: text of that model's posterior.
        latent: number of its latents.
        remark: where nelbo's is another than Pythae's.
    """

    name: str
    fitted: str = ""
    prior: str = ""
    posterior: str = "diagonal"
    latent: int = 20
    remark: str = ""


MODELS = (
    Model(
        "Autoencoder",
        "Hinton & Salakhutdinov 2006",
        {"posterior": "deterministic", "objective": "reconstruction"},
    ),
    Model("VAE", "Kingma & Welling 2014", {}),
    Model(
        "BetaVAE",
        "Higgins et al. 2017",
        {"objective": "elbo:beta=4.0"},
        remark="Pythae's default, beta = 1, is a VAE.",
    ),
    Model(
        "VAE_LinNF",
        "Rezende & Mohamed 2015",
        {"posterior": "planar"},
        remark="Or `radial`, all layers alike; Pythae mixes the two, by default two planar ones.",
    ),
    Model("VAE_IAF", "Kingma et al. 2016", {"posterior": "iaf"}),
    Model(
        "DisentangledBetaVAE",
        "Burgess et al. 2018",
        {"objective": "capacity:nats=linear(steps=3000,end=25.0),gamma=10.0"},
        remark="Pythae's capacity rises to 50 nats, by the epoch; here by the step, to any number.",
    ),
    Model(
        "FactorVAE",
        "Kim & Mnih 2018",
        {"objective": "factor_vae"},
        remark="The critic learns in the same step, from the same batch; Pythae splits each batch "
        "in two. gamma is the paper's 35, Pythae's is 2.",
    ),
    Model(
        "BetaTCVAE",
        "Chen et al. 2018",
        {"objective": "beta_tcvae"},
        remark="beta is the paper's 6; with Pythae's, 1, it is a VAE.",
    ),
    Model("IWAE", "Burda et al. 2016", {"objective": "iwae:samples=10"}),
    Model("MIWAE", "Rainforth et al. 2018", {"objective": "miwae:samples=50,groups=5"}),
    Model("PIWAE", "Rainforth et al. 2018", {"objective": "piwae:samples=50,groups=5"}),
    Model("CIWAE", "Rainforth et al. 2018", {"objective": "ciwae:elbo=0.5,samples=10"}),
    Model(
        "MSSSIM_VAE",
        "Snell et al. 2017",
        {"objective": "ms_ssim"},
        remark="Weighs 1 - MS-SSIM by 1000. Pythae weighs it by 1 against a whole KL: its default "
        "is dead. As many scales as fit.",
    ),
    Model(
        "WAE_MMD",
        "Tolstikhin et al. 2018",
        {"posterior": "deterministic", "objective": "wae_mmd"},
        remark="Weighs the discrepancy by 1000 against nats; Pythae by 0.03 against a squared "
        "error. The biased estimate, which is never negative; Pythae's is the unbiased one.",
    ),
    Model(
        "INFOVAE_MMD",
        "Zhao et al. 2019",
        {"objective": "info_vae"},
        remark="Pythae's default weighs the discrepancy by alpha + lambda - 1 = -0.999: it is "
        "rewarded. nelbo refuses such weights.",
    ),
    Model(
        "VAMP",
        "Tomczak & Welling 2018",
        {"prior": "vamp:components=50"},
        remark="Pseudo-inputs are learned as they are, unbounded; Pythae clips them to [0, 1].",
    ),
    Model(
        "SVAE",
        "Davidson et al. 2018",
        {"posterior": "von_mises_fisher", "prior": "uniform_sphere"},
    ),
    Model(
        "PoincareVAE",
        "Mathieu et al. 2019",
        {"posterior": "wrapped_normal", "prior": "wrapped_standard"},
        remark="Or the prior `riemannian_normal`. Pythae has it as a posterior too; nelbo not.",
    ),
    Model(
        "Adversarial_AE",
        "Makhzani et al. 2016",
        {"objective": "adversarial_ae"},
        remark="The critic learns in the same step. With `--posterior deterministic` it is the "
        "plainest of the paper's three.",
    ),
    Model(
        "VAEGAN",
        "Larsen et al. 2016",
        {"objective": "vae_gan"},
        remark="The critic learns in the same step, always; Pythae lets it or the decoder rest "
        "when one is ahead.",
    ),
    Model(
        "VQVAE",
        "van den Oord et al. 2017",
        {"posterior": "vq", "prior": "uniform_codes", "objective": "vq_elbo"},
        latent=64,
        remark="Codes are running means, as in the paper's appendix; Pythae's default is a "
        "gradient. The bound has its log(codes) nats for each code.",
    ),
    Model(
        "HVAE",
        "Caterini et al. 2018",
        {"posterior": "hamiltonian"},
        remark="Step sizes and the first momentum's heat are learned, as in the paper; Pythae's "
        "default keeps them.",
    ),
    Model(
        "RAE_L2",
        "Ghosh et al. 2020",
        {"posterior": "deterministic", "objective": "rae_l2"},
        remark="Weights are 0.01 each, against nats; Pythae's 0.0001 and 0.0000001.",
    ),
    Model(
        "RAE_GP",
        "Ghosh et al. 2020",
        {"posterior": "deterministic", "objective": "rae_gp"},
        remark="As `rae_l2`.",
    ),
    Model(
        "RHVAE",
        "Chadebec et al. 2020",
        {"posterior": "riemannian"},
        remark="The metric has the latest 200 examples (`centroids`), Pythae's the latest 100 "
        "batches.",
    ),
    Model(
        "HRQVAE",
        "Hosking et al. 2022",
        {"posterior": "residual_vq", "prior": "uniform_codes", "objective": "vq_elbo"},
        remark="Nearest codes, whose books are running means; Pythae's are drawn with Gumbel "
        "noise. Its penalty on norms and the dropping of levels are left out.",
    ),
)

SAMPLERS = (
    Sampler("NormalSampler", prior="standard"),
    Sampler(
        "GaussianMixtureSampler",
        fitted="mixture",
        remark="By EM, then by gradient; Pythae's by EM.",
    ),
    Sampler("TwoStageVAESampler", fitted="two_stage"),
    Sampler("HypersphereUniformSampler", prior="uniform_sphere", posterior="von_mises_fisher"),
    Sampler(
        "PoincareDiskSampler",
        prior="wrapped_standard",
        posterior="wrapped_normal",
        remark="Or `riemannian_normal`.",
    ),
    Sampler("VAMPSampler", prior="vamp:components=50"),
    Sampler(
        "RHVAESampler",
        posterior="riemannian",
        remark="Hamiltonian Monte Carlo on the metric's volume, from its centroids.",
    ),
    Sampler("MAFSampler", fitted="maf"),
    Sampler("IAFSampler", fitted="iaf_prior"),
    Sampler(
        "PixelCNNSampler",
        fitted="autoregressive_codes",
        posterior="vq",
        latent=64,
        remark="The codes in their order, each given all before it, by a NADE: they need be no "
        "picture.",
    ),
)

MAPS = "levels=((1,2,2),(1,4,4))"  # 20 latents
# What stands for a component where one is tried: what it cannot do without, or smaller.
TRIED = {
    "vq": "vq:codes=16,dim=4",
    "residual_vq": "residual_vq:codes=16",
    "vamp": "vamp:components=10",
    "riemannian": "riemannian:centroids=20",
    "control_vae": "control_vae:nats=20.0",
    "geco": "geco:nats=-100.0",
    "beta_binomial": "beta_binomial:total=10",
    "columns": "columns:parts=(gaussian,bernoulli),sizes=(72,72)",
    "pixel_cnn": "pixel_cnn:of=bernoulli,channels=8,layers=2",
    "recurrent": "recurrent:of=bernoulli,hidden=16",
    "conv": "conv:channels=(4,8),hidden=(16,)",
    "residual": "residual:channels=(4,8),hidden=(16,)",
    "conv_maps": f"conv_maps:{MAPS},channels=(8,)",
    "top_down_maps": f"top_down_maps:{MAPS},hidden=8",
    "residual_maps": f"residual_maps:{MAPS},features=2",
    "gated": "gated:hidden=(16,)",
    "mlp": "mlp:hidden=(16,)",
    "sequence": "sequence:state=16",
}
