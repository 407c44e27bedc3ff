"""What a picture can show, in some thirty kinds that matter to music: which of ImageNet's 1,000 classes mean each.

The classes are numbered as in ImageNet's challenge of 2012 (Russakovsky et al., ImageNet Large Scale Visual
Recognition Challenge, International Journal of Computer Vision 115, 2015). What is neither a place nor a thing that
says something of the place (a bucket, a screw) belongs to no kind. Some kinds are of one family, which has a word of
its own: a picture may surely be of an animal without it being clear of which. Forests, deserts, clouds, night skies
and crowds have no class there, so they have no kind here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

N_CLASS = 1000


class Kind(NamedTuple):
    """A kind of place or thing."""

    classes: str
    """The numbers of its classes: ``978``, or ``7-24`` for all of these."""
    family: str | None = None
    """The word for it and what is like it; None if it stands alone."""


LAND, ANIMAL, PLANT, VEHICLE, TEXT = "landscape", "animal", "plants", "vehicle", "text"

KINDS: Mapping[str, Kind] = {
    "coast": Kind("437 460 536 718 976 977 978", LAND),
    "lake": Kind("449 975", LAND),
    "mountains": Kind("970 972 974 979 980", LAND),
    "field": Kind("425 595 856 912 958 984 987 998", LAND),
    "under water": Kind("0-6 33 34 65 107-110 115 147-149 327-329 389-397 801 973 983"),
    "bird": Kind("7-24 80-100 127-146", ANIMAL),
    "dog": Kind("151-268", ANIMAL),
    "cat": Kind("281-285", ANIMAL),
    "horse": Kind("339 603", ANIMAL),
    "insect": Kind("70-79 300-326 599 815", ANIMAL),
    "reptile": Kind("25-32 35-64 66-68", ANIMAL),
    "wild animal": Kind("101-106 111-114 116-126 150 269-280 286-299 330-338 340-388", ANIMAL),
    "flower": Kind("738 883 944 946 985 986 989", PLANT),
    "mushroom": Kind("947 991-997", PLANT),
    "food": Kind(
        "415 440 441 467 504 505 509 521 544 550 567 572 582 618 659 666 762 766 809 813 849 859 891 898 899 901 "
        "907 909 910 923-943 945 948-957 959-969"
    ),
    "screen": Kind("508 527 530 590 592 605 620 662 664 673 681 688 742 745 761 782 810 851 916", TEXT),
    "print": Kind("446 549 878 917 918 921 922", TEXT),
    "people": Kind(
        "399 400 411 423 424 433 443 445 451 452 457 459 474 501 515 529 552 568 578 584 585 589 608 610 614 617 "
        "629 631 638 639 643 655 667 678 680 689 697 735 775 793 796 808 824 834 836 837 841 842 869 887 903 906 "
        "982"
    ),
    "sport": Kind(
        "416 422 429 430 444 450 522 537 543 560 574 575 602 615 671 693 701 702 722 736 746 747 752 768 795 802 "
        "805 852 880 890 981"
    ),
    "road": Kind(
        "407 436 468 475 479 511 518 555 569 571 573 581 609 612 627 654 656 661 665 670 675 685 704 717 734 751 "
        "757 779 "
        "785 803 817 864 867 874 919 920",
        VEHICLE,
    ),
    "train": Kind("466 547 565 705 820 829", VEHICLE),
    "aircraft": Kind("404 405 417 895 908", VEHICLE),
    "boat": Kind("403 472 484 510 554 576 625 628 694 724 780 814 833 871 913 914", VEHICLE),
    "space": Kind("657 744 755 812"),
    "buildings": Kind(
        "442 454 483 497 500 538 557 562 649 660 663 668 682 698 706 716 727 743 821 825 832 839 853 858 863 873 "
        "884 888 900 915"
    ),
    "room": Kind(
        "421 435 453 493 495 526 532 534 545 553 556 559 564 598 619 624 648 651 721 741 750 753 760 765 789 794 "
        "799 811 827 831 846 854 857 861 876 894 896 897 904 905"
    ),
    "concert": Kind(
        "401 402 420 432 486 513 541 542 546 558 566 577 579 593 594 632 641 642 650 683 684 687 699 776 818 819 "
        "822 875 881 889"
    ),
    "work": Kind("491 517 540 561 586 587 621 634 740 784 792 866"),
    "weapons": Kind("413 439 461 465 471 490 524 570 652 715 763 764 787 847"),
    "fire": Kind("470 626 644 862"),
    "play": Kind("476 516 611 723 843 850 865 870"),
}
"""The classes of each kind, by its word."""
FAMILIES = (LAND, ANIMAL, PLANT, VEHICLE, TEXT)
NATURE = "nature"
NATURAL = tuple(
    word for word, kind in KINDS.items() if kind.family in (LAND, ANIMAL, PLANT) and word not in ("dog", "cat")
)
"""What lives or lies outdoors: a leaf, a flower and a beetle on it are often taken for each other."""
WORDS = (*KINDS, *FAMILIES, NATURE)
"""All words for what a picture shows."""


def classes_of(kind: Kind) -> list[int]:
    """The numbers of a kind's classes."""
    numbers: list[int] = []
    for part in kind.classes.split():
        first, _, last = part.partition("-")
        numbers += range(int(first), int(last or first) + 1)
    return numbers


def words_of_classes() -> NDArray[np.float32]:
    """(N_CLASS, word) 1 where a class has this word of `WORDS`, its own, that of its family, or nature, else 0."""
    table = np.zeros((N_CLASS, len(WORDS)), np.float32)
    for word, kind in KINDS.items():
        table[classes_of(kind), WORDS.index(word)] = 1
        if kind.family is not None:
            table[classes_of(kind), WORDS.index(kind.family)] = 1
        if word in NATURAL:
            table[classes_of(kind), WORDS.index(NATURE)] = 1
    return table
