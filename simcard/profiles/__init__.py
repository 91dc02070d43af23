"""Cards as data: a profile is a TOML file that says what one card has and another has not."""

from simcard.profiles.build import build_card, initial_flash
from simcard.profiles.loader import load_profile, profile_names
from simcard.profiles.profile import Profile, ProfileError

__all__ = [
    "Profile",
    "ProfileError",
    "build_card",
    "initial_flash",
    "load_profile",
    "profile_names",
]
