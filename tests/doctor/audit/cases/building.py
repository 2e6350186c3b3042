"""How a case is written down: what it is, its loss, and the truth about it."""

from __future__ import annotations


class Cases:
    """The cases of one file.

    Attributes:
        all: the cases, in order.
        contestable: case by case, the answers that rest on a convention, each with the reason.
        extras: what an `extra` case adds to a_K * KL, as (mu, logvar) -> value.
    """

    def __init__(self):
        self.all, self.contestable, self.extras = [], {}, {}

    def add(self, id, source, framework, formula, data_shape, n_latent, batch, recon_kind, loss, *,
            family, rb, rf, rc=1.0, kb="mean", kz="sum", kc=1.0, kl_form="closed", sigma2=None,
            lap_b=None, beta=None, ref_sigma2=1.0, mu_beta=None, var_argmin=None, var_note=None,
            bug=None, reported="", fix="", target="unit", shape_note=None, kl_dataset_size=None,
            threshold=None, offset=None, extra=None, skip=(), contest=None,
            adds=None):  # fmt: skip
        """Add a case: rb, rf, rc are batch, features, constant of R; kb, kz, kc those of the KL."""
        if kl_form == "absent":
            kb = kz = kc = None
        self.all.append({
            "id": id, "source": source, "framework": framework, "formula": formula,
            "data_shape": tuple(data_shape), "n_latent": n_latent, "batch": batch,
            "shape_note": shape_note, "kl_dataset_size": kl_dataset_size,
            "recon_kind": recon_kind, "target_kind": target, "loss": loss,
            "truth": {
                "family": family, "batch_reduction": rb, "feature_reduction": rf,
                "recon_constant": rc, "implied_sigma2": sigma2, "implied_laplace_b": lap_b,
                "kl_batch_reduction": kb, "kl_latent_reduction": kz, "kl_constant": kc,
                "kl_form": kl_form, "kl_coefficient_per_example": beta, "ref_sigma2": ref_sigma2,
                "kl_mu_coefficient": mu_beta, "kl_var_argmin": var_argmin,
                "kl_var_note": var_note, "kl_threshold": threshold, "kl_value_offset": offset,
                "bug": bug,
            },
            "reported": reported, "fix": fix, "extra": extra or {}, "skip": set(skip),
        })  # fmt: skip
        if contest:
            self.contestable[id] = contest
        if adds:
            self.extras[id] = adds
