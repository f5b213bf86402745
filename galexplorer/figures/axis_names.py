"""Names of the targets on the axes of the screen's figures, long and short."""

AXES = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆ [M☉]",
    "log_sfr": "log SFR [M☉ yr⁻¹]",
    "gas_metallicity": "12 + log(O/H)",
    "log_bh_mass": "log M(BH) [M☉]",
    "log_flux_halpha": "log F(Hα) [10⁻¹⁷ cgs]",
    "log_flux_hbeta": "log F(Hβ) [10⁻¹⁷ cgs]",
    "log_flux_nii_6584": "log F([N II]) [10⁻¹⁷ cgs]",
    "log_flux_oiii_5007": "log F([O III]) [10⁻¹⁷ cgs]",
}
BRIEF = {
    "redshift": "z",
    "log_stellar_mass": "log M⋆",
    "log_sfr": "log SFR",
    "gas_metallicity": "O/H",
    "log_bh_mass": "log M(BH)",
    "log_flux_halpha": "Hα",
    "log_flux_hbeta": "Hβ",
    "log_flux_nii_6584": "[N II]",
    "log_flux_oiii_5007": "[O III]",
}
BRIEF_UNITS = {
    "log_stellar_mass": " [M☉]",
    "log_sfr": " [M☉/yr]",
    "log_bh_mass": " [M☉]",
}
"""Units that fit beside a short name; those of lines do not."""
