"""Counts are to be divided by the exposure, rates and other quantities are not; whatever the spelling."""

import warnings

import pytest
from headers import aia_header, real_header

import astropy.units as u

from sunpy_heliocloud.metadata.channels import channels
from sunpy_heliocloud.metadata.units import is_counts

MSB = "solo_L2_metis-vl-tb_20220322T211301_V01"
PHI = "solo_L2_phi-hrt-icnt_20241004T003104_V202506050052_0450040601"
HXI = "hxi_imgcube_01e02t_20230501_130758_HXI_CLEAN_0"


@pytest.mark.parametrize(
    ("bunit", "unit", "counts"),
    [
        (None, u.DN, True),
        ("", u.DN, True),
        ("  ", u.DN, True),
        ("DN", u.DN, True),
        ("dn", u.DN, True),
        ("DN / pix", u.DN / u.pix, True),
        ("DN/pixel", u.DN / u.pix, True),
        ("DN pix-1", u.DN / u.pix, True),
        ("DN/CCDPIX", u.DN / u.pix, True),
        ("counts / pixel", u.ct / u.pix, True),
        ("counts/pixels", u.ct / u.pix, True),
        ("counts", u.ct, True),
        ("Counts", u.ct, True),
        ("COUNTS", u.ct, True),
        ("count", u.ct, True),
        ("ct", u.ct, True),
        ("ADU", u.adu, True),
        ("adu", u.adu, True),
        ("ADU/pix", u.adu / u.pix, True),
        ("electron", u.electron, True),
        ("electrons", u.electron, True),
        ("electron/pix", u.electron / u.pix, True),
        ("photon", u.ph, True),
        ("photons", u.ph, True),
        ("photon / arcsec2", u.ph / u.arcsec**2, True),
        ("Corrected DN", u.DN, True),
        ("Raw DN", u.DN, True),
        ("DN/px", u.DN / u.pix, True),
        ("e-", u.electron, True),
        ("e-/pix", u.electron / u.pix, True),
        ("e-/s", u.electron / u.s, False),
        ("cnts/s", u.ct / u.s, False),
        ("DN/s", u.DN / u.s, False),
        ("DN/sec", u.DN / u.s, False),
        ("DN s-1", u.DN / u.s, False),
        ("DN/s/pixel", u.DN / u.s / u.pix, False),
        ("DN/pixel/s", u.DN / u.s / u.pix, False),
        ("counts/sec", u.ct / u.s, False),
        ("Counts/second", u.ct / u.s, False),
        ("photon/(cm2 s)", u.ph / u.cm**2 / u.s, False),
        ("electrons/s", u.electron / u.s, False),
        ("Data Number", u.DN, True),
        ("digital numbers (DN)", u.DN, True),
        ("[DN]", u.DN, True),
        ("DN_CORRECTED", u.DN, True),
        ("DN per pixel", u.DN / u.pix, True),
        ("counts per second", u.ct / u.s, False),
        ("DN/S", u.DN / u.s, False),
        ("COUNTS S-1", u.ct / u.s, False),
        ("KM/S", u.km / u.s, False),
        ("Degrees", u.deg, False),
        ("KELVIN", u.K, False),
        ("ergs/cm^2/s", u.erg / u.cm**2 / u.s, False),
        ("%", u.percent, False),
        ("GAUSS", u.G, False),
        ("Gauss", u.G, False),
        ("Mx/cm^2", u.Mx / u.cm**2, False),
        ("m/s", u.m / u.s, False),
        ("K", u.K, False),
        ("W m-2 sr-1", u.W / u.m**2 / u.sr, False),
        ("erg/cm2/s/sr", u.erg / u.cm**2 / u.s / u.sr, False),
        ("B/Bsun", None, False),
        ("MSB", None, False),
        ("1E-10 B/Bsun", None, False),
        ("I_CONT", None, False),
        ("N/A", None, False),
        ("unitless", None, False),
        ("???", None, False),
    ],
)
def test_units_of_aia(bunit, unit, counts):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        (channel,) = channels([aia_header() if bunit is None else aia_header(BUNIT=bunit)])
    assert channel.unit == unit
    assert channel.is_counts == counts
    assert channel.bunit == ("" if unit is not None else bunit)
    assert not told  # that is said once, of the cube


@pytest.mark.parametrize(
    ("header", "unit", "counts", "bunit"),
    [
        (aia_header(PIXLUNIT="DN"), u.DN, True, ""),
        (aia_header(PIXLUNIT="DN/s"), u.DN / u.s, False, ""),
        (aia_header(PIXLUNIT="DN", BUNIT=""), u.DN, True, ""),
        (real_header("HinodeXRT"), u.DN, True, ""),
        (real_header("HinodeXRT", HISTORY="XRT_RENORMALIZE v2014"), u.DN / u.s, False, ""),
        (real_header("EIT_header/efz20040301.000010_s"), u.ct / u.pix, True, ""),
        (real_header("EIT_header/SOHO_EIT_171_20070601T120013_L1"), u.DN / u.s, False, ""),
        (real_header("swap_lv1_20140606_000113"), u.DN / u.s / u.pix, False, ""),
        (real_header("lasco_c3"), None, False, ""),
        (real_header("lasco_c3", BUNIT=0), u.dimensionless_unscaled, False, ""),
        (real_header("20181209_180305_kcor_l2"), None, False, "B/Bsun"),
        (real_header(MSB), None, False, "MSB"),
        (real_header("HinodeSOT", BUNIT=5), None, False, "5"),
        (real_header("mdi.fd_Ic.20101015_230100_TAI.data"), u.dimensionless_unscaled, False, ""),
        (real_header("HinodeSOT", BUNIT="ADU"), u.adu, True, ""),
        (real_header("HinodeXRT", BUNIT="DN/sec"), u.DN / u.s, False, ""),  # sunpy takes it for DN
        (real_header("HinodeXRT", BUNIT="ADU"), u.adu, True, ""),
        (real_header("HinodeXRT", BUNIT="photo-electrons"), None, False, "photo-electrons"),
        (real_header("hmi_sharp_magnetogram", BUNIT="GAUSS"), u.G, False, ""),  # of which sunpy makes no Map
        (real_header("hmi_sharp_magnetogram", BUNIT="DN/sec"), u.DN / u.s, False, ""),
        (real_header("hmi_sharp_magnetogram", BUNIT="I/Ic"), None, False, "I/Ic"),
        (real_header(PHI, BUNIT="Normalised Intensity"), u.dimensionless_unscaled, False, ""),
        (real_header(HXI, UNIT="counts"), u.ct, True, ""),
        (real_header(HXI, UNIT="photon/keV?"), None, False, "photon/keV?"),
    ],
)
def test_units_of_others(header, unit, counts, bunit):
    (channel,) = channels([header])
    assert (channel.unit, channel.is_counts, channel.bunit) == (unit, counts, bunit)


@pytest.mark.parametrize("unit", [1000 * u.ct, u.ct / u.cm**2, u.DN / u.sr, u.Unit("2 DN")])
def test_counts_of_any_scale_and_area(unit):
    assert is_counts(u.Unit(unit))


@pytest.mark.parametrize(
    "unit", [None, u.ct**2, u.DN / u.ph, u.DN * u.s, u.ct / u.keV, u.dimensionless_unscaled]
)
def test_what_are_no_counts(unit):
    assert not is_counts(unit)
