"""A Sun with the differential rotation of sunpy, and an active region with known time lags."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time

from sunpy.coordinates import HeliographicStonyhurst, propagate_with_solar_surface
from sunpy.map import GenericMap, all_coordinates_from_map
from sunpy.sun.models import differential_rotation

from sunpy_heliocloud.arguments import flag, moment, shown
from sunpy_heliocloud.coordinates.contexts import without_contexts
from sunpy_heliocloud.derotation.derotation import ROTATION_MODELS
from .arguments import angle, image_shape, moments, real, reference_map, span, whole
from .header import BLANK, SOLAR_RADIUS, aia_header, pixel_scale
from .painting import Curve, Motion, Region, Texture, View, cooling_delay, paint
from .spacecraft import Position, position

__all__ = ["CHANNEL_DELAYS", "NOMINAL_EXPOSURE", "SimulatedSun", "check_channel"]

#: Channels, hot first, and the delay of each behind 193 Å, as a multiple of that of 171 Å.
CHANNEL_DELAYS: Mapping[int, float] = MappingProxyType(
    {94: -0.75, 335: -0.5, 211: -0.25, 193: 0.0, 171: 1.0, 131: 1.25}
)

#: The exposure time at which the Sun has the counts that `SimulatedSun` names.
NOMINAL_EXPOSURE = 2 * u.s

LONGEST_DELAY = 3300.0  # s, of 171 Å behind 193 Å, anywhere
SINUSOIDS = 14
PERIODS = (2400.0, 18_000.0)  # s
DARKEST = 0.05  # the light curve never goes out
CURVE_STEP = 5.0  # s

# Width of a patch of texture: 45° divide the circle, so that the texture has no seam.
PATCH = np.deg2rad(45)
PATCH_CELLS = 512
TEXTURE_CELLS = 6  # standard deviation of the smoothing, half a degree


@dataclass(frozen=True, eq=False)
class SimulatedSun:
    """
    A Sun with one active region, seen by SDO/AIA, with known properties.

    The disk shows a quiet Sun of 60 to 120 counts and an active region, both carried by the surface with
    sunpy's differential rotation, so that derotating with sunpy keeps them still. The region's brightness
    is envelope x texture x light curve. All its points share one light curve, 1 + 14 sinusoids of 40
    minutes to 5 hours, and so do the channels, each with its own delay: 171 Å follows 193 Å by
    ``2400 tanh(longitude / 5°) + 900 sin(latitude / 3°)`` seconds, longitude and latitude counted from the
    region's centre; the other channels by the multiples of it in ``CHANNEL_DELAYS``.

    Parameters
    ----------
    time
        When the region is at the given place.
    longitude, latitude
        Stonyhurst coordinates of the region's centre at that time.
    radius
        Where the region has faded to 1/e.
    counts
        What the region adds to the quiet Sun at most, in an exposure of ``NOMINAL_EXPOSURE``, at mean light.
    variability
        Root mean square of the light curve about its mean of 1.
    rotation_model
        As in `sunpy.sun.models.differential_rotation`.
    seed
        Of the textures, the light curve and the noise. The same seed gives the same frames, in any order.
    noise
        Whether photons are counted (Poisson noise), or counts only rounded to integers.

    Examples
    --------
    >>> import astropy.units as u
    >>> import sunpy.map
    >>> from sunpy_heliocloud.simulation import SimulatedSun
    >>> sun = SimulatedSun()
    >>> aia_map = sunpy.map.Map(*sun.frame(171, sun.time, shape=(500, 500)))
    >>> lag = sun.true_lag(193, 171, aia_map)
    """

    time: Time = field(default_factory=lambda: Time("2018-05-29T18:00:00"))
    longitude: u.Quantity[u.deg] = -8 * u.deg
    latitude: u.Quantity[u.deg] = 14 * u.deg
    radius: u.Quantity[u.deg] = 6 * u.deg
    counts: float = 900.0
    variability: float = 0.25
    rotation_model: str = "howard"
    seed: int = 0
    noise: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "time", moment("time", self.time).utc)
        for name in ("longitude", "latitude", "radius"):
            angle(name, getattr(self, name))
        real("counts", self.counts)
        real("variability", self.variability)
        if self.rotation_model not in ROTATION_MODELS:
            raise ValueError(
                f"rotation_model is {shown(self.rotation_model)}, but has to be one of {', '.join(ROTATION_MODELS)}"
            )
        whole("seed", self.seed)
        flag("noise", self.noise)

    def frame(
        self,
        channel: int,
        time: Time | str,
        exposure: u.Quantity[u.s] = NOMINAL_EXPOSURE,
        *,
        shape: tuple[int, int] = (5000, 5000),
        quality: int = 0,
    ) -> tuple[np.ndarray, fits.Header]:
        """
        One image.

        Parameters
        ----------
        channel
            Wavelength in angstrom, one of ``CHANNEL_DELAYS``.
        time
            Midpoint of the exposure; counted in whole milliseconds, as the header does.
        exposure
            Exposure time. Counts grow with it.
        shape
            Pixels in y and x. The image is 2500 arcsec wide whatever its number of pixels, and a pixel has
            the counts of the whole size.
        quality
            ``QUALITY`` of the header. Where it is not 0, the upper third of the image is missing.

        Returns
        -------
        tuple
            Counts, int32, and the header that HelioCloud gives to such an image.

        Raises
        ------
        ValueError
            If the channel is none of those that are simulated.

        Examples
        --------
        >>> counts, header = SimulatedSun().frame(171, "2018-05-29T18:00", shape=(40, 40))
        >>> counts.shape, header["WAVELNTH"]
        ((40, 40), 171)
        """
        check_channel(channel)
        exposure = span("exposure", exposure, zero=False)
        shape = image_shape(shape)
        whole("quality", quality)
        time = Time(Time(moment("time", time), precision=3).utc.isot)
        seen_from = position(time)
        seconds = (time - self.time).to_value(u.s)
        delay = CHANNEL_DELAYS[channel]
        image = np.empty(shape, dtype=np.int32)
        paint(
            image,
            _view(shape, seen_from),
            self._motion(seconds),
            Region(*self._center, self.radius.to_value(u.rad), self.counts, delay),
            self._texture,
            self._curve(seconds, delay),
            seconds,
            (exposure / NOMINAL_EXPOSURE).to_value(u.one),
            self.noise,
            np.random.default_rng([self.seed, channel, round(time.unix * 1000)]),
        )
        if quality:
            image[2 * shape[0] // 3 :] = BLANK
        return image, aia_header(image, channel, time, exposure.to_value(u.s), seen_from, quality)

    def true_lag(
        self,
        channel_a: int,
        channel_b: int,
        ref_map: GenericMap,
        *,
        within: u.Quantity[u.deg] | None = None,
    ) -> np.ndarray:
        """
        The time lag between two channels on the pixels of a map, at the time of the map.

        Parameters
        ----------
        channel_a, channel_b
            Wavelengths in angstrom.
        ref_map
            The map; its observer and reference time are those of the answer.
        within
            How far from the region's centre there is a lag, as an angle on the sphere. Default: ``radius``.

        Returns
        -------
        array_like
            In seconds, float64, shape of the map. Positive: ``channel_a`` leads, as in
            `sunkit_image.time_lag.time_lag`. NaN outside the region and off the disk.

        Examples
        --------
        >>> bool(np.nanmax(SimulatedSun().true_lag(193, 171, ref_map)) > 1000)
        True
        """
        check_channel(channel_a)
        check_channel(channel_b)
        radius = self.radius if within is None else angle("within", within)
        coordinates = self.at_time(all_coordinates_from_map(reference_map(ref_map)), self.time)
        distance = self.region_center().separation(coordinates)
        longitude = (coordinates.lon - self.longitude).wrap_at(180 * u.deg).to_value(u.deg)
        latitude = (coordinates.lat - self.latitude).to_value(u.deg)
        lag = (CHANNEL_DELAYS[channel_b] - CHANNEL_DELAYS[channel_a]) * cooling_delay(longitude, latitude)
        return np.where(distance <= radius, lag, np.nan)

    def region_center(self, time: Time | str | None = None) -> SkyCoord:
        """
        Position of the centre of the region.

        Parameters
        ----------
        time
            When. Default: ``time`` of the Sun.

        Returns
        -------
        `~astropy.coordinates.SkyCoord`
            Heliographic Stonyhurst.

        Examples
        --------
        >>> SimulatedSun().region_center().lat
        <Latitude 14. deg>
        """
        frame = HeliographicStonyhurst(obstime=self.time, rsun=SOLAR_RADIUS * u.m)
        center = SkyCoord(self.longitude, self.latitude, SOLAR_RADIUS * u.m, frame=frame)
        return center if time is None else self.at_time(center, time)

    @without_contexts
    def at_time(self, coordinates: SkyCoord, time: Time) -> SkyCoord:
        """
        Positions of points of the surface at another time.

        Parameters
        ----------
        coordinates
            Points, in any frame of sunpy.
        time
            The other time.

        Returns
        -------
        `~astropy.coordinates.SkyCoord`
            Heliographic Stonyhurst.

        Examples
        --------
        >>> sun = SimulatedSun()
        >>> later = sun.at_time(sun.region_center(), sun.time + 1 * u.day)
        >>> round((later.lon - sun.region_center().lon).to_value(u.deg))
        13
        """
        if not isinstance(coordinates, SkyCoord):
            raise TypeError(
                f"coordinates are {shown(coordinates)}, but have to be a SkyCoord, such as that of a map: map.center"
            )
        time = moment("time", time)
        with propagate_with_solar_surface(rotation_model=self.rotation_model):
            return coordinates.transform_to(HeliographicStonyhurst(obstime=time, rsun=SOLAR_RADIUS * u.m))

    def light_curve(self, time: Time) -> np.ndarray:
        """
        Brightness of the region in 193 Å, relative to its mean.

        Parameters
        ----------
        time
            Any times.

        Returns
        -------
        array_like
            Dimensionless, shape of ``time``.

        Examples
        --------
        >>> sun = SimulatedSun()
        >>> sun.light_curve(sun.time + np.arange(3) * u.hour).shape
        (3,)
        """
        return self._light((moments("time", time) - self.time).to_value(u.s))

    def _light(self, seconds: np.ndarray) -> np.ndarray:
        angular_frequency, phase = self._sinusoids
        waves = np.sin(np.multiply.outer(seconds, angular_frequency) + phase)
        amplitude = self.variability * np.sqrt(2 / SINUSOIDS)
        return np.maximum(1 + amplitude * waves.sum(axis=-1), DARKEST)

    def _curve(self, seconds: float, delay: float) -> Curve:
        """The part of the light curve that one image shows."""
        reach = abs(delay) * LONGEST_DELAY + CURVE_STEP
        times = np.arange(seconds - reach, seconds + reach + 2 * CURVE_STEP, CURVE_STEP)
        return Curve(self._light(times), times[0], CURVE_STEP)

    def _motion(self, seconds: float) -> Motion:
        """From heliocentric inertial longitudes to Stonyhurst ones at the time of reference."""
        a, b, c = self._rotation_rates * seconds
        return Motion(-self._earth_longitude, a, b, c)

    @cached_property
    def _earth_longitude(self) -> float:
        return position(self.time).earth_longitude

    @cached_property
    def _center(self) -> tuple[float, float]:
        return self.longitude.to_value(u.rad), self.latitude.to_value(u.rad)

    @cached_property
    def _rotation_rates(self) -> np.ndarray:
        """
        A, B and C of ``A + B sin² + C sin⁴``, in rad/s, solved from three rotation rates, since sunpy has no
        function for them.
        """
        sin_square = np.array([0, 0.5, 1])
        latitude = np.arcsin(np.sqrt(sin_square)) * u.rad
        rates = differential_rotation(1 * u.s, latitude, model=self.rotation_model).to_value(u.rad)
        return np.linalg.solve(np.vander(sin_square, increasing=True), rates)

    @cached_property
    def _sinusoids(self) -> tuple[np.ndarray, np.ndarray]:
        """Angular frequencies (rad/s) and phases (rad)."""
        rng = np.random.default_rng([self.seed, 1])
        # Even in frequency, not in period: with mostly slow waves, a window of hours would bias every lag.
        frequencies = rng.uniform(1 / max(PERIODS), 1 / min(PERIODS), SINUSOIDS)
        return 2 * np.pi * frequencies, rng.uniform(0, 2 * np.pi, SINUSOIDS)

    @cached_property
    def _texture(self) -> Texture:
        rng = np.random.default_rng([self.seed, 2])
        values = gaussian_filter(rng.normal(size=(PATCH_CELLS, PATCH_CELLS)), TEXTURE_CELLS, mode="wrap")
        values -= values.min()
        return Texture(values / values.max(), PATCH / PATCH_CELLS)


def check_channel(channel: int) -> None:
    """Raise a `ValueError` if there is no such channel."""
    if not isinstance(channel, (int, np.integer)) or channel not in CHANNEL_DELAYS:
        raise ValueError(
            f"there is no channel {shown(channel)}: expected one of {', '.join(map(str, CHANNEL_DELAYS))}"
        )


def _view(shape: tuple[int, int], seen_from: Position) -> View:
    return View(
        scale=np.deg2rad(pixel_scale(shape) / 3600),
        center_x=(shape[1] - 1) / 2,
        center_y=(shape[0] - 1) / 2,
        longitude=seen_from.longitude,
        sin_latitude=np.sin(seen_from.latitude),
        cos_latitude=np.cos(seen_from.latitude),
        distance=seen_from.distance / SOLAR_RADIUS,
    )
