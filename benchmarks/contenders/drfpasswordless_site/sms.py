from contenders.echo import kept


def keep(user, mobile_token, **kwargs):
    kept.code = mobile_token.key
    return True
