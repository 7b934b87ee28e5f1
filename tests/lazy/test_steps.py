import operator

import numpy as np
import pytest

from sunpy_heliocloud.io.frame import ArrayFrame
from sunpy_heliocloud.lazy.steps import Apply, Arithmetic, DivideByExposure, IsValid, Plane, Steps

IMAGE = np.array([[1, 2], [3, np.nan]], np.float32)
PLANE = Plane(ArrayFrame(IMAGE), exposure_time=2.0, headers=({"EXPTIME": 2.0},))


def squared(data, header):
    return data ** header["EXPTIME"]


def test_steps_are_done_in_their_order():
    plus, times = Arithmetic(operator.add, 1), Arithmetic(operator.mul, 10)
    np.testing.assert_array_equal(Steps([plus, times])(IMAGE, PLANE), (IMAGE + 1) * 10)
    np.testing.assert_array_equal(Steps([times, plus])(IMAGE, PLANE), IMAGE * 10 + 1)
    several = Steps([Apply(squared, True), DivideByExposure()]).then(Arithmetic(operator.sub, 5, True))
    np.testing.assert_array_equal(several(IMAGE, PLANE), 5 - IMAGE**2 / 2)


def test_steps_are_pointwise_if_each_of_them_is():
    assert Steps().pointwise
    assert Steps([Apply(squared, True), IsValid()]).pointwise
    assert not Steps([Apply(squared, False), IsValid()]).pointwise


def test_functions_are_not_asked_about_missing_frames():
    def fail(data, header):
        raise AssertionError

    steps = Steps([Apply(fail, True), Arithmetic(operator.add, 1), IsValid()])
    np.testing.assert_array_equal(steps.of_missing(IMAGE * np.nan, PLANE), np.zeros((2, 2)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_type_of_the_result_is_known_before(dtype):
    steps = Steps([Apply(squared, True), Arithmetic(operator.mul, 2)])
    assert steps.result_dtype(np.dtype(dtype), PLANE) == dtype
    assert steps.then(IsValid()).result_dtype(np.dtype(dtype), PLANE) == np.float32


def test_a_function_is_given_the_header_of_its_number_with_keywords_in_any_case():
    plane = Plane(ArrayFrame(IMAGE), headers=({"EXPTIME": 2.0}, {"EXPTIME": 3.0}))

    def scaled(data, header):
        assert header["exptime"] == header.get("ExpTime") == header["EXPTIME"]
        return data * header["exptime"]

    steps = Steps([Apply(scaled, True, 0), Apply(scaled, True, 1), Apply(scaled, True, 0)])
    np.testing.assert_array_equal(steps(IMAGE, plane), IMAGE * 12)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda data, header: data[1:], ValueError, r"shape \(2, 2\) into one of \(1, 2\)"),
        (
            lambda data, header: None,
            ValueError,
            r"into one of \(\), an object of type NoneType; it must keep the shape",
        ),
        (
            lambda data, header: (data, header),
            ValueError,
            "into none, an object of type tuple; it must keep",
        ),
        (
            lambda data, header: (data, data[1:]),
            ValueError,
            "into none, an object of type tuple; it must keep",
        ),
        (
            lambda data, header: header,
            ValueError,
            "an object of type AnyCaseHeader; it must keep",
        ),
        (lambda data, header: data * 1j, TypeError, "complex"),
        (lambda data, header: data.astype(str), TypeError, "must be real"),
        (lambda data, header: data.astype(object), TypeError, "object"),
        (lambda data, header: np.ma.masked_invalid(data * 1j), TypeError, "complex"),
    ],
)
def test_a_wrong_shape_or_type_is_an_error_with_the_url(function, error, message):
    plane = Plane(ArrayFrame(IMAGE, url="https://host/a.fits?signature=secret"), headers=({},))
    with pytest.raises(error, match=message) as raised:
        Apply(function, True)(IMAGE, plane)
    assert "https://host/a.fits" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float64])
def test_real_numbers_of_any_type_are_taken_in_the_precision_of_the_data(dtype):
    result = Apply(lambda data, header: np.ones(data.shape, dtype), True)(
        IMAGE, Plane(ArrayFrame(IMAGE), headers=({},))
    )
    assert result.dtype == np.float32
    assert (result == 1).all()


def test_only_an_own_image_is_divided_in_its_place():
    image = np.array([[2.0, 4.0]], np.float32)
    steps, plane = Steps([DivideByExposure()]), Plane(ArrayFrame(image), 2.0)
    rate = steps(image, plane)
    np.testing.assert_array_equal(image, [[2, 4]])
    assert np.shares_memory(steps(image, plane, is_own=True), image)
    np.testing.assert_array_equal(image, rate)


def test_what_a_function_returned_is_not_divided_in_its_place():
    """It may be an array that the function keeps."""
    kept = np.array([[2.0, 4.0]], np.float32)
    steps = Steps([Apply(lambda data, header: kept, True), DivideByExposure()])
    plane = Plane(ArrayFrame(kept), 2.0, ({},))
    np.testing.assert_array_equal(steps(kept.copy(), plane, is_own=True), [[1, 2]])
    np.testing.assert_array_equal(kept, [[2, 4]])
