import operator

import numpy as np
import pytest

from sunpy_heliocloud.io.frame import ArrayFrame
from sunpy_heliocloud.lazy.steps import Apply, Arithmetic, DivideByExposure, IsValid, Plane, Steps

IMAGE = np.array([[1, 2], [3, np.nan]], np.float32)
PLANE = Plane(ArrayFrame(IMAGE), exposure_time=2.0, header={"EXPTIME": 2.0})


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
