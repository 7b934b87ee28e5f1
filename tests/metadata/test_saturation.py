"""Which level counts as saturated, and where it is from."""

import pytest
from headers import aia_header, real_header

import astropy.units as u

from sunpy_heliocloud.metadata.channels import channels
from sunpy_heliocloud.metadata.saturation import saturation_level

(AIA,) = channels([aia_header()])


def test_the_level_of_aia_is_known_with_its_source():
    level, said = saturation_level(AIA, "auto")
    assert level < 16383  # what the camera gives at most
    assert "Lemen et al. 2012" in said


@pytest.mark.parametrize(
    ("asked", "level"), [(16383, 16383), (12000.5, 12000.5), (9 * u.DN, 9), (2 * u.Unit("1000 DN"), 2000)]
)
def test_levels_that_are_given(asked, level):
    found, said = saturation_level(AIA, asked)
    assert found == level
    assert said == f"NaN from {level:g} DN on (given)"


@pytest.mark.parametrize(
    "asked", [0, -5, float("nan"), float("inf"), "high", True, [1, 2], 3 * u.s, 3 * u.DN / u.s, None]
)
def test_levels_that_make_no_sense(asked):
    with pytest.raises(ValueError, match="saturation="):
        saturation_level(AIA, asked)


@pytest.mark.parametrize(
    "header",
    [
        aia_header(BUNIT="DN/s"),
        aia_header(BUNIT="Gauss"),
        real_header("swap_lv1_20140606_000113"),
        real_header("dr_suvi-l2-ci195_g16_s20190403T093200Z_e20190403T093600Z_v1-0-0_rebinned"),
    ],
)
def test_only_counts_saturate_at_a_level(header):
    with pytest.raises(ValueError, match="saturation is a level of counts, but the pixels are in"):
        saturation_level(channels([header])[0], 16383)


def test_an_unknown_instrument_is_said_to_be_one():
    (lasco,) = channels([real_header("lasco_c3", BUNIT="DN")])
    with pytest.raises(
        ValueError, match="SOHO LASCO C3 .* is not known, but only that of SDO AIA; give it in counts"
    ):
        saturation_level(lasco, "auto")
    assert saturation_level(lasco, 16383)[0] == 16383
    (trace,) = channels([real_header("tsi20010130_025823_a2")])
    assert saturation_level(trace, 4095)[0] == 4095  # of an unknown unit
