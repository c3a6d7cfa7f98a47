import numpy as np

from tasks.alignment.screen import distance_to, on_screen
from tests.alignment.by_hand import frames_of


def test_a_repeated_picture_is_on_screen_twice_and_a_black_frame_ends_it() -> None:
    screen = on_screen(frames_of([(0, "a"), (3, "a"), (6, "b"), (9, "a"), (12, ""), (15, "a")], duration=18))
    assert screen.frame.tolist() == [0, 2]
    assert screen.until.tolist() == [6, 9]
    assert list(zip(screen.picture, screen.start, screen.end, strict=True)) == [(0, 0, 6), (1, 6, 9), (0, 9, 12), (0, 15, 18)]


def test_pictures_of_one_shot_share_a_view_until_the_shot_gets_long() -> None:
    screen = on_screen(frames_of([(0, "a"), (4, "a2"), (8, "a3"), (12, "a4"), (16, "b")], duration=20))
    assert screen.view.tolist() == [0, 0, 0, 3, 4]  # 12 s are one view; what follows of the shot is the next


def test_a_shot_that_repeats_a_picture_of_another_shares_its_view() -> None:
    screen = on_screen(frames_of([(0, "a"), (4, "b"), (8, "a"), (12, "a2")], duration=16))
    assert screen.view.tolist() == [0, 1, 0]


def test_distance_is_to_the_nearest_time_a_picture_was_shown() -> None:
    screen = on_screen(frames_of([(0, "a"), (4, "b"), (14, "a"), (18, "b")], duration=30))
    pictures, times = np.array([0, 0, 0, 0, 1]), np.array([2.0, 6.0, 11.0, 20.0, 16.5])
    assert distance_to(screen, pictures, times).tolist() == [0, 2, -3, 2, -1.5]


def test_a_repeat_of_a_frame_that_is_not_kept_shows_nothing() -> None:
    frames = frames_of([(0, "a"), (3, "a"), (6, "b")], duration=9)
    blurred = frames.set_column(frames.column_names.index("dropped"), frames.schema.field("dropped"),
                                [["blurred", "duplicate", None]])
    screen = on_screen(blurred)
    assert screen.frame.tolist() == [2]
    assert screen.start.tolist() == [6]
