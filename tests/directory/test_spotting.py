from shiyu.directory.spotting import FULL, STEM, Entry, Spotter


def spotter(**names: float) -> Spotter:
    return Spotter(
        (name, Entry(i, FULL if weight == 1 else STEM, weight, weak=weight < 0.6))
        for i, (name, weight) in enumerate(names.items())
    )


def found(spots):
    return [(spot.start, spot.text) for spot in spots]


def test_the_longest_name_is_taken():
    names = spotter(东四街道=1, 东四方台街道=1, 东四=0.5)

    assert found(names.find("在东四方台街道和东四街道")) == [(1, "东四方台街道"), (8, "东四街道")]


def test_overlapping_names_are_chosen_so_that_most_is_explained():
    names = spotter(东山=0.5, 山南街道=1)

    assert found(names.find("家住东山南街道旁")) == [(3, "山南街道")]


def test_a_bare_stem_before_a_road_is_doubtful():
    names = spotter(和平=0.5)

    road, street = names.find("和平路")[0], names.find("住和平一带")[0]

    assert road.doubtful
    assert not street.doubtful
    assert road.weight(road.entries[0]) < street.weight(street.entries[0])


def test_an_ordinary_word_counts_more_where_its_neighbours_mark_a_place():
    names = spotter(园林=0.5, 铁东区=1)

    alone = names.find("园林部门来修剪")[0]
    marked = names.find("铁东区园林的居民")[1]

    assert not alone.marked
    assert marked.marked


def test_two_things_of_one_name_are_both_kept():
    names = Spotter([("和平社区", Entry(1, FULL, 1.0)), ("和平社区", Entry(2, FULL, 1.0))])

    assert [entry.area for entry in names.find("和平社区")[0].entries] == [1, 2]


def test_a_text_that_ends_inside_a_name_holds_no_name():
    assert spotter(山南街道=1).find("山南街") == []
    assert spotter(山南街道=1).find("") == []
