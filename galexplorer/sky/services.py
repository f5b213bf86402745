"""Where the services are: at astropy's and astroquery's addresses, or at those of the environment.

Both packages read most addresses from their own configuration when they are used. Those of NED,
hips2fits and IRSA are attributes, since their configuration takes no server but their own.
"""

import os

from astropy.coordinates.name_resolve import sesame_url
from astroquery.hips2fits import hips2fits
from astroquery.ipac.irsa.irsa_dust import IrsaDust
from astroquery.ipac.ned import Ned
from astroquery.sdss import conf as sdss_conf

LEGACY_URL = "https://www.legacysurvey.org/viewer"
"""Legacy Surveys viewer, which neither package supports."""

VARIABLES = {
    service: f"GALEXPLORER_{service.upper()}_URL"
    for service in ("sesame", "ned", "skyserver", "sas", "legacy", "hips", "irsa")
}
"""Environment variable of each service's address."""


def legacy_address() -> str:
    """Return the address of the Legacy Surveys viewer."""
    return os.environ.get(VARIABLES["legacy"]) or LEGACY_URL


def read_environment() -> None:
    """Take over the addresses that the environment gives, for the whole process.

    A mirror, or a server for tests, is named by ``GALEXPLORER_SESAME_URL``, ``..._NED_URL``,
    ``..._SKYSERVER_URL``, ``..._SAS_URL``, ``..._LEGACY_URL``, ``..._HIPS_URL`` and
    ``..._IRSA_URL``; without them nothing changes.
    """
    given = {
        service: address
        for service, variable in VARIABLES.items()
        if (address := os.environ.get(variable))
    }
    if "sesame" in given:
        sesame_url.set([given["sesame"]])
    if "skyserver" in given:
        sdss_conf.skyserver_baseurl = given["skyserver"]
    if "sas" in given:
        sdss_conf.sas_baseurl = given["sas"]
    if "ned" in given:
        Ned.OBJ_SEARCH_URL = given["ned"]
    if "hips" in given:
        hips2fits.server = given["hips"]
    if "irsa" in given:
        IrsaDust.DUST_SERVICE_URL = given["irsa"]
