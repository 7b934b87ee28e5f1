"""Frames are of one channel where sunpy's Map says so, and where filters, products and processing agree."""

import time

import numpy as np
import pytest
from headers import aia_header, real_header

import astropy.units as u

import sunpy.map

from sunpy_heliocloud.metadata import channels as module
from sunpy_heliocloud.metadata.channels import channels, difference, names_of
from sunpy_heliocloud.metadata.columns import HeaderColumns

LASCO, COR1, EUVI = "lasco_c2_25299383_s", "cor1_20090615_000500_s4c1A", "euvi_20090615_000900_n4euA_s"
EUI, METIS = "solo_L1_eui-fsi304-image_20201021T145510206_V03", "solo_L2_metis-vl-tb_20220322T211301_V01"
PHI = "solo_L2_phi-hrt-blos_20241004T003104_V202506050052_0450040601"
SUVI = "dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned"
SUIT = "SUT_T24_0847_000444_Lev1.0_2024-06-28T18.21.33.178_0971NB03"
IRIS = "iris_l2_20130801_074720_4040000014_SJI_1400_t000"
HXI = "hxi_imgcube_01e02t_20230501_130758_HXI_CLEAN_0"
KCOR = "20181209_180305_kcor_l2"
RHESSI = {
    **{
        "ORIGIN": "RHESSI",
        "TELESCOP": "RHESSI",
        "INSTRUME": "RHESSI",
        "NAXIS": 2,
        "NAXIS1": 64,
        "NAXIS2": 64,
    },
    **{"DATE_OBS": "2010-10-16T19:12:18.000", "DATE_END": "2010-10-16T19:12:22.000", "TIMESYS": "1979.00"},
    **{
        "CTYPE1": "arcsec",
        "CTYPE2": "arcsec",
        "CDELT1": 4.0,
        "CDELT2": 4.0,
        "CRPIX1": -66.2,
        "CRPIX2": 132.0,
    },
    **{"CRVAL1": 0.0, "CRVAL2": 0.0, "ENERGY_L": 12.0, "ENERGY_H": 25.0},
    "KEYCOMMENTS": {"TIMESYS": "Reference Time"},
}
GENERIC = {"INSTRUME": "SXI", "TELESCOP": "GOES-13"}
WISPR = {
    "OBSRVTRY": "Parker Solar Probe", "INSTRUME": "WISPR", "DETECTOR": 1, "LEVEL": "L2", "BUNIT": "MSB",
    "WAVELNTH": None, "WAVEUNIT": None,
}  # fmt: skip
HMI = {"INSTRUME": "HMI_FRONT2", "TELESCOP": "SDO/HMI", "WAVELNTH": 6173.0}

DIFFERENT = {
    "wavelength": (aia_header(), {"WAVELNTH": 193}, "measurement 171 Angstrom or 193 Angstrom"),
    "LASCO's detector": (real_header(LASCO), {"DETECTOR": "C3"}, "detector C2 or C3"),
    "LASCO's filter": (real_header(LASCO), {"FILTER": "DeepRd"}, "FILTER Orange or DeepRd"),
    "LASCO's polariser": (real_header(LASCO), {"POLAR": "+60 Deg"}, "POLAR Clear or \\+60 Deg"),
    "EUI's telescope": (real_header(EUI), {"DETECTOR": "HRI_EUV"}, "detector FSI or HRI_EUV"),
    "EUI's line": (real_header(EUI), {"WAVELNTH": 174}, "measurement 304 Angstrom or 174 Angstrom"),
    "EUI's level": (real_header(EUI), {"LEVEL": "L2"}, "LEVEL L1 or L2"),
    "XRT's first filter wheel": (
        real_header("HinodeXRT"),
        {"EC_FW1_": "Al_poly"},
        "EC_FW1_ Be_thin or Al_poly",
    ),
    "XRT's second filter wheel": (
        real_header("HinodeXRT"),
        {"EC_FW2_": "Ti_poly"},
        "EC_FW2_ Open or Ti_poly",
    ),
    "XRT's renormalisation": (
        real_header("HinodeXRT"),
        {"HISTORY": "XRT_RENORMALIZE v2014-Jan-14: ..."},
        "unit DN or DN / s",
    ),
    "COR1's polariser angle": (real_header(COR1), {"POLAR": 120.0}, "POLAR 0 or 120"),
    "COR2 beside COR1": (real_header(COR1), {"DETECTOR": "COR2"}, "detector COR1 or COR2"),
    "the two STEREO": (real_header(EUVI), {"OBSRVTRY": "STEREO_B"}, "observatory STEREO A or STEREO B"),
    "EUVI's filter": (real_header(EUVI), {"FILTER": "OPEN"}, "FILTER S1 or OPEN"),
    "two GOES by their files": (
        real_header(SUVI),
        {"FILENAME": "dr_suvi-l2-ci195_g18_s20190403T093200Z_e20190403T093600Z_v1-0-0.fits"},
        "satellite g16 or g18",
    ),
    "two GOES by a keyword": (real_header(SUVI), {"TELESCOP": "G18"}, "TELESCOP GOES-R or G18"),
    "HMI's continuum and Dopplergram": (
        aia_header(**HMI, CONTENT="CONTINUUM INTENSITY"),
        {"CONTENT": "DOPPLERGRAM"},
        "measurement continuum or dopplergram",
    ),
    "HMI's line depth and width": (
        aia_header(**HMI, CONTENT="LINE DEPTH"),
        {"CONTENT": "LINE WIDTH"},
        "CONTENT LINE DEPTH or LINE WIDTH",
    ),
    "HMI's cameras": (
        aia_header(**HMI, CONTENT="MAGNETOGRAM"),
        {"INSTRUME": "HMI_SIDE1"},
        "instrument HMI FRONT2 or",
    ),
    "MDI's products": (
        real_header("mdi.fd_M_96m_lev182.20101015_191200_TAI.data"),
        {"CONTENT": "MDI Full Disk Dopplergram"},
        "measurement MDI Full Disk 96m Magnetogram or",
    ),
    "SOT's lines": (real_header("HinodeSOT"), {"WAVE": "G band 4305"}, "WAVE Ca II H line or G band 4305"),
    "SOT's place in a line": (
        real_header("FGMG4_20110214_030443.7"),
        {"WAVEOFF": -140},
        "WAVEOFF 140 or -140",
    ),
    "SOT's Stokes parameters": (
        real_header("FGMG4_20110214_030443.7"),
        {"OBS_TYPE": "FG shuttered I and V"},
        "OBS_TYPE FG MG4 V/I or FG shuttered",
    ),
    "SXT's wavelength as text": (real_header("YohkohSXT"), {"WAVELNTH": "AlMg"}, "measurement Al01 or AlMg"),
    "a generic wavelength as text": (
        aia_header(**GENERIC, WAVELNTH="P_THN_B"),
        {"WAVELNTH": "P_MED_B"},
        "measurement P_THN_B or P_MED_B",
    ),
    "TRACE's wavelength as text": (
        real_header("tsi20010130_025823_a2"),
        {"WAVE_LEN": "WL"},
        "measurement 171 or white-light",
    ),
    "IRIS's filters": (
        real_header(IRIS),
        {"TWAVE1": 2796.0, "TDESC1": "SJI_2796"},
        "measurement 1400 Angstrom or 2796 Angstrom; TDESC1 SJI_1400 or",
    ),
    "SUIT's filters": (real_header(SUIT), {"FTR_NAME": "NB04"}, "FTR_NAME NB03 or NB04"),
    "SXT's second filter": (
        real_header("YohkohSXT", FILTERA="Open", FILTERB="Al.1"),
        {"FILTERB": "AlMg"},
        "FILTERB Al.1 or AlMg",
    ),
    "SXT's filter of neutral density": (
        real_header("YohkohSXT", FILTERA="Open", FILTERB="Al.1"),
        {"FILTERA": "NuDen"},
        "FILTERA Open or NuDen",
    ),
    "AIA's thick filters": (
        aia_header(WAVE_STR="171_THIN"),
        {"WAVE_STR": "171_THICK"},
        "WAVE_STR 171_THIN or",
    ),
    "AIA's dark images": (aia_header(IMG_TYPE="LIGHT"), {"IMG_TYPE": "DARK"}, "IMG_TYPE LIGHT or DARK"),
    "XRT's visible light": (real_header("HinodeXRT"), {"EC_VL_": "open"}, "EC_VL_ closed or open"),
    "XRT's dark images": (real_header("HinodeXRT"), {"EC_IMTY_": "dark"}, "EC_IMTY_ normal or dark"),
    "K-Cor's calibration": (
        real_header(KCOR),
        {"DATATYPE": "calibration"},
        "DATATYPE science or calibration",
    ),
    "K-Cor's filtered images": (real_header(KCOR, PRODUCT="pB"), {"PRODUCT": "NRGF"}, "PRODUCT pB or NRGF"),
    "LASCO C1's place in a line": (
        real_header("lasco_c3", DETECTOR="C1", FP_WL_CM=5302.4),
        {"FP_WL_CM": 5309.0},
        "FP_WL_CM 5302.4 or 5309",
    ),
    "LASCO's lamp": (real_header("lasco_c3"), {"LP_NUM": "Cal Lamp"}, "LP_NUM none or Cal Lamp"),
    "SECCHI's lamp": (real_header(EUVI), {"SEB_PROG": "LED"}, "SEB_PROG none or LED"),
    "EIT's dark images": (
        real_header("seit_00171_fd_19961211_1900"),
        {"OBJECT": "Dark"},
        "OBJECT none or Dark",
    ),
    "EUI's calibration": (real_header(EUI), {"IMGTYPE": "LED image"}, "IMGTYPE solar image or LED image"),
    "EUI's gain": (real_header(EUI), {"GAINCOMB": "low-only"}, "GAINCOMB combined or low-only"),
    "SUIT's dark images": (real_header(SUIT), {"IMG_TYPE": "Dark"}, "IMG_TYPE Normal or Dark"),
    "HXI's algorithms": (real_header(HXI), {"ALGORITH": "HXI_MEM"}, "ALGORITH HXI_CLEAN or HXI_MEM"),
    "RHESSI's energies": (RHESSI, {"ENERGY_L": 25.0, "ENERGY_H": 50.0}, "measurement 12-25 keV or 25-50 keV"),
    "MDI's polarisation": (
        real_header("mdi.fd_Ic.20101015_230100_TAI.data"),
        {"POLSTATE": "CP"},
        "POLSTATE LP or CP",
    ),
    "GONG's wing of H-alpha": (
        real_header("gong_halpha"),
        {"WAVELNTH": 6563.5},
        "measurement 6562.808 or 6563.5",
    ),
    "wavelengths that differ by a thousandth": (
        aia_header(**GENERIC, WAVELNTH=6562.808),
        {"WAVELNTH": 6562.809},
        "measurement 6562.808 Angstrom or 6562.809",
    ),
    "a satellite's number, in one of both headers": (
        real_header(SUVI),
        {"INST_ID": "FM2"},
        "INST_ID none or FM2",
    ),
    "PHI's quantities": (real_header(PHI), {"BTYPE": "BMAG"}, "measurement BLOS or BMAG"),
    "METIS's quantities": (
        real_header(METIS),
        {"BTYPE": "VL polarized brightness"},
        "measurement VL-TB or VL-PB",
    ),
    "HXI's energies": (
        real_header(HXI),
        {"ENERGY_L": 30.0, "ENERGY_H": 50.0},
        "measurement 20-30 keV or 30-50 keV",
    ),
    "WISPR's telescopes": (aia_header(**WISPR), {"DETECTOR": 2}, "detector Inner or Outer"),
    "WISPR's background subtraction": (aia_header(**WISPR), {"LEVEL": "L3"}, "LEVEL L2 or L3"),
    "PUNCH's polariser": (real_header("punch"), {"POLAR": 60.0}, "POLAR -999 or 60"),
    "PUNCH's products": (real_header("punch"), {"TYPECODE": "PA"}, "TYPECODE CA or PA"),
    "GONG's products": (
        real_header("gong_halpha"),
        {"IMTYPE": "H-ALPHA WING"},
        "IMTYPE H-ALPHA or H-ALPHA WING",
    ),
    "units": (aia_header(), {"BUNIT": "DN/s"}, "unit DN or DN / s"),
    "units that cannot be read": (aia_header(BUNIT="B/Bsun"), {"BUNIT": "MSB"}, "unit B/Bsun or MSB"),
}


def both(name):
    header, changes, said = DIFFERENT[name]
    return header, header | changes, said


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_are_two_channels(name):
    first, second, said = both(name)
    pair = channels([first, second])
    assert pair[0].identity != pair[1].identity
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(difference(pair))
    assert len(set(names_of(pair))) == 2


SAME = {
    "camera temperature": (real_header(COR1), {"TEMP_CCD": -59.1, "TEMPAFT1": 11.0}),
    "exposure control": (real_header("HinodeXRT"), {"AEC_FLG": "on", "AEC_RSLT": 1, "EXPTIME": 0.06}),
    "exposures of AIA in a flare": (aia_header(), {"EXPTIME": 0.1, "AECTYPE": 1, "FID": 12}),
    "pointing": (aia_header(), {"CRPIX1": 3.0, "CRVAL1": 12.0, "CROTA2": 0.1}),
    "size": (aia_header(), {"NAXIS1": 31, "NAXIS2": 17, "CDELT1": 1.2, "CDELT2": 1.2}),
    "unit of the wavelength": (aia_header(), {"WAVELNTH": 17.1, "WAVEUNIT": "nm"}),
    "unit of K-Cor's wavelength": (
        real_header("20181209_180305_kcor_l2"),
        {"WAVELNTH": 7350, "WAVEUNIT": "Angstrom"},
    ),
    "level of AIA": (aia_header(), {"LVL_NUM": 1.0}),
    "a unit that is DN anyway": (aia_header(), {"BUNIT": "DN"}),
    "an empty unit": (aia_header(), {"BUNIT": ""}),
    "spelling of the telescope": (aia_header(), {"TELESCOP": "SDO"}),
    "history": (real_header("HinodeXRT"), {"HISTORY": "XRT_PREP at noon"}),
    "number and text of the wheel": (real_header("HinodeXRT"), {"EC_FW1": 5, "FOC_POS": -3}),
    "the campaign": (real_header(EUI), {"OBS_TYPE": "abcd", "XPOSURE": 10.0}),
    "the minute": (real_header(SUVI), {"FILENAME": "dr_suvi-l2-ci195_g16_s20190403T093600Z_v1-0-0.fits"}),
    "GONG's sites": (real_header("gong_halpha"), {"SITE": "LE", "SITENAME": "LEARMONTH"}),
    "171 and 171.0": (aia_header(), {"WAVELNTH": 171.0}),
    "LASCO's sequences": (real_header("lasco_c3"), {"LP_NUM": "Seq PW FP", "LEBXSUM": 2}),
    "SECCHI's programs": (real_header(EUVI), {"SEB_PROG": "SERIES", "COMPRSSN": "ICER5"}),
    "EIT's fields of view": (
        real_header("seit_00171_fd_19961211_1900"),
        {"OBJECT": "partial FOV", "SCI_OBJ": "CME WATCH 195"},
    ),
    "dark filaments": (aia_header(OBJECT="Sun"), {"OBJECT": "Dark filament"}),
    "SUVI's exposures": (real_header(SUVI), {"SCI_OBJ": "short exposure", "EXPTIME": 0.005}),
    "intervals of RHESSI": (RHESSI, {"DATE_END": "2010-10-16T19:12:30.000", "OBSERVER": "another"}),
    "averages of MDI": (real_header("mdi.fd_M_96m_lev182.20101015_191200_TAI.data"), {"INTERVAL": 300.0}),
    "spelling of counts": (aia_header(BUNIT="counts / pixel"), {"BUNIT": "ct/pix"}),
}


@pytest.mark.parametrize("name", SAME)
def test_what_is_one_channel(name):
    header, changes = SAME[name]
    first, second = channels([header, header | changes])
    assert first.identity == second.identity
    if "unit of" not in name:  # where each name has that of its own header, as sunpy's Map
        assert names_of([first]) == names_of([second])


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (aia_header(), "SDO AIA 3 171 Angstrom"),
        (real_header(LASCO), "SOHO LASCO C2 white-light Orange Clear"),
        (real_header("HinodeXRT"), "Hinode XRT Be thin-Open"),
        (real_header(COR1), "STEREO A SECCHI COR1 white-light POLAR 0"),
        (real_header(EUVI), "STEREO A SECCHI EUVI 171 Angstrom S1"),
        (real_header(SUVI), "GOES-R Series Solar Ultraviolet Imager SUVI 195 Angstrom"),
        (real_header("HinodeSOT"), "Hinode SOT/WB Ca II H line"),
        (real_header(HXI), "ASO-S HXI 20-30 keV"),
        (real_header("mdi.fd_Ic.20101015_230100_TAI.data"), "SOHO MDI Full Disk Intensity Continuum"),
        (aia_header(**HMI, CONTENT="DOPPLERGRAM"), "SDO HMI FRONT2 dopplergram"),
        (aia_header(TELESCOP="T", INSTRUME="A", WAVELNTH=6562.8), "T A 6562.8 Angstrom"),
        (
            aia_header(TELESCOP=None, INSTRUME=None, WAVELNTH=None, WAVEUNIT=None),
            "unknown instrument",
        ),
    ],
)
def test_names(header, name):
    assert channels([header])[0].name == name


def test_what_sunpy_says():
    first, second, third = channels([aia_header(), aia_header(channel=193), aia_header(1)])
    assert first == third != second
    assert first.wavelength == 171 * u.AA
    assert (first.observatory, first.detector, str(second)) == ("SDO", "AIA", "SDO AIA 2 193 Angstrom")
    assert channels([real_header(HXI)])[0].wavelength is None
    assert channels([aia_header(**GENERIC, WAVELNTH="P_THN_B")])[0].wavelength is None
    assert channels([]) == []


def test_a_class_of_ones_own_is_asked():
    """Whatever keywords it reads."""

    class OwnMap(sunpy.map.GenericMap):
        @property
        def measurement(self):
            return f"grating {self.meta['grating']}"

        @classmethod
        def is_datasource_for(cls, data, header, **kwargs):
            return header.get("instrume") == "mine"

    try:
        pair = channels([aia_header(INSTRUME="mine", GRATING=n, TEMP=n) for n in (1, 2)])
    finally:
        del sunpy.map.GenericMap._registry[OwnMap]
    assert [channel.measurement for channel in pair] == ["grating 1", "grating 2"]


@pytest.mark.parametrize("name", [LASCO, "HinodeXRT", COR1, EUI])
def test_sunpy_is_asked_once_for_each_combination(monkeypatch, name):
    """A thousand frames with temperatures, histories and times of their own: one Map."""
    made = []
    empty_map = module.empty_map
    monkeypatch.setattr(module, "empty_map", lambda header: made.append(1) or empty_map(header))
    header = real_header(name)
    varying = [
        header
        | {"TEMP_CCD": i / 10, "HISTORY": f"done at {i}", "FILENAME": f"{i}.fits", "EXPTIME": 1 + i / 1000}
        for i in range(1000)
    ]
    start = time.process_time()
    found = channels(HeaderColumns.from_headers(varying))
    assert time.process_time() - start < 5  # by far: 10 ms
    assert len(made) == len({channel.identity for channel in found}) == 1


def test_blank_keywords_are_missing():
    assert channels([aia_header() | {"BUNIT": None, "FILTER": None}]) == channels([aia_header()])
    np.testing.assert_equal(channels([real_header("lasco_c3", BUNIT=None)])[0].unit, None)
