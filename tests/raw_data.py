"""Raw files of a few rows in every layout that a loader reads."""

MINI_100K = {
    "u.data": "7\t20\t4\t200\n7\t1412\t5\t100\n2\t267\t1\t300\n",
    "u.user": "2|24|M|technician|85711\n7|53|F|other|T8H1N\n9|13|F|student|\n",
    "u.item": (
        "5|Hiver été, L' (1995) |01-Jan-1995||http://x/a|0|0|0|1\n"
        "20|Uncle, The|01-Jan-1995||http://x/b|0|1|0|1\n"
        "267|unknown||||1|0|0|0\n"
        "1412|Land Before Time III: The Time of the Great Giving (1995) (V)|01-Jan-1995||http://x/c|0|0|1|1\n"
    ),
    # not in order, and with the empty line that the publisher's file ends in
    "u.genre": "unknown|0\nDrama|3\nAction|1\nChildren's|2\n\n",
}
MINI_RECBOLE = {
    "ml-100k.inter": (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\n7\t20\t4\t200\n7\t1412\t5\t100\n2\t267\t1\t300\n"
    ),
    "ml-100k.user": (
        "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token\n"
        "2\t24\tM\ttechnician\t85711\n7\t53\tF\tother\tT8H1N\n9\t13\tF\tstudent\t\n"
    ),
    "ml-100k.item": (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
        "5\tHiver été, L'\t1995\tDrama\n"
        "20\tUncle, The\t1995\tAction Drama\n"
        "267\tunkonwn\tunkonwn\tunknown\n"
        "1412\tLand Before Time III: The Time of the Great Giving (1995)\tV\tChildren's Drama\n"
    ),
}
MINI_1M = {
    "ratings.dat": "1::10::5::978300760\n1::20::3::978302109\n2::10::1::978301968\n",
    "users.dat": "1::F::1::10::48067\n2::M::56::0::53404-1230\n3::M::25::20::55117\n",
    "movies.dat": (
        "10::Alien³: The First :: Cut (1992)::Action|Sci-Fi\n"
        "20::Associate, The (L'Associe)(1982)::Comedy\n"
        "30::Godfather, The (1972)::Action|Crime|Drama\n"
    ),
}


def write(folder, files, encoding="latin-1"):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(encoding))
    return folder
