"""JSON as a tree whose places can be changed one by one."""


def places(tree):
    """Every place in a tree: (container, key)."""
    pending, found = [tree], []
    while pending:
        node = pending.pop()
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            found.append((node, key))
            if isinstance(node[key], dict | list):
                pending.append(node[key])
    return found
